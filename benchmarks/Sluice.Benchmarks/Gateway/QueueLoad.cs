using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Sluice.Benchmarks;

/// <summary>Very many requests of 1 KB that wait at once, each on a connection of its own, behind an engine that never
/// answers.</summary>
internal static class QueueLoad
{
    /// <returns>Requests that wait, those that were answered instead, and the memory of the process [MB].</returns>
    public static async Task<string> MeasureAsync(int port, int process, int requests)
    {
        var body = $$"""{"model":"m","hold":true,"messages":[{"role":"user","content":"{{new string('x', 950)}}"}]}""";
        var request = Encoding.ASCII.GetBytes(
            $"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
            + $"x-sluice-class: background\r\nContent-Length: {body.Length}\r\n\r\n{body}");
        var sockets = new List<Socket>();
        try
        {
            for (var i = 0; i < requests; i++)
            {
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
                sockets.Add(socket);
                await socket.ConnectAsync(IPAddress.Loopback, port);
                await socket.SendAsync(request);
            }

            Thread.Sleep(TimeSpan.FromSeconds(3)); // Until the last of them is in the queue.
            var answered = sockets.Count(s => s.Available > 0 || s.Poll(0, SelectMode.SelectRead));
            var kilobytes = File.ReadLines($"/proc/{process}/status").First(l => l.StartsWith("VmRSS:", StringComparison.Ordinal));
            var megabytes = int.Parse(kilobytes.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024;
            return $"{requests - answered} {answered} {megabytes}";
        }
        finally
        {
            foreach (var socket in sockets) socket.Dispose();
        }
    }
}
