using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Sluice.Benchmarks;

/// <summary>Streamed answers at a fixed rate, whatever the server does: how long until the first byte, and how long each token is
/// on its way from the <see cref="StubEngine"/> that stamped it.</summary>
internal sealed class StreamLoad(int port)
{
    private static readonly byte[] s_stamp = "\"content\":\""u8.ToArray();

    private readonly byte[] _request = RequestTo(port);
    private readonly ConcurrentBag<Socket> _idle = [];
    private readonly ConcurrentBag<double> _firstBytes = []; // ms
    private readonly ConcurrentBag<double> _tokens = []; // ms
    private int _failed;

    /// <returns>One row: first byte p50 and p99, token p50, p99 and most [ms], answers that failed.</returns>
    public static async Task<string> MeasureAsync(int port, int perSecond, int seconds)
    {
        var load = new StreamLoad(port);
        var answers = new List<Task>();
        var start = Stopwatch.GetTimestamp();
        for (var i = 0; i < perSecond * seconds; i++)
        {
            var due = TimeSpan.FromSeconds(i / (double)perSecond) - Stopwatch.GetElapsedTime(start);
            if (due > TimeSpan.Zero) Thread.Sleep(due);
            answers.Add(Task.Run(load.RunAsync));
        }

        await Task.WhenAll(answers);
        var (first, tokens) = (load._firstBytes.Order().ToArray(), load._tokens.Order().ToArray());
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{At(first, 0.5):F3} {At(first, 0.99):F3} {At(tokens, 0.5):F3} {At(tokens, 0.99):F3} {At(tokens, 1):F3} {load._failed}");
    }

    private static double At(double[] sorted, double share) =>
        sorted.Length == 0 ? double.NaN : sorted[(int)(share * (sorted.Length - 1))];

    private async Task RunAsync()
    {
        try
        {
            if (!_idle.TryTake(out var socket))
            {
                socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                await socket.ConnectAsync(IPAddress.Loopback, port);
            }

            await AnswerAsync(socket);
            _idle.Add(socket);
        }
        catch (Exception e) when (e is SocketException or InvalidDataException)
        {
            Interlocked.Increment(ref _failed);
        }
    }

    private async Task AnswerAsync(Socket socket)
    {
        var buffer = new byte[16 << 10];
        var (have, tokens, sent) = (0, 0, Stopwatch.GetTimestamp());
        await socket.SendAsync(_request);
        while (true)
        {
            var read = await socket.ReceiveAsync(buffer.AsMemory(have));
            var now = Stopwatch.GetTimestamp();
            if (read == 0) throw new InvalidDataException("it hung up");
            if (tokens == 0 && have == 0)
            {
                if (!buffer.AsSpan().StartsWith("HTTP/1.1 200"u8)) throw new InvalidDataException("no answer");
                _firstBytes.Add(Milliseconds(now - sent));
            }

            have += read;
            var done = 0;
            while (buffer.AsSpan(done, have - done).IndexOf(s_stamp) is var at and >= 0 && done + at + s_stamp.Length + 20 <= have)
            {
                if (!Utf8Parser.TryParse(buffer.AsSpan(done + at + s_stamp.Length, 20), out long stamp, out _))
                    throw new InvalidDataException("a token without its time");
                _tokens.Add(Milliseconds(now - stamp));
                done += at + s_stamp.Length + 20;
                tokens++;
            }

            if (buffer.AsSpan(done, have - done).IndexOf("\r\n0\r\n\r\n"u8) >= 0)
            {
                if (tokens != StubEngine.PacedTokens) throw new InvalidDataException($"{tokens} tokens");
                return;
            }

            // What may be the beginning of a stamp or of the end stays.
            var keep = Math.Min(have - done, 256);
            buffer.AsSpan(have - keep, keep).CopyTo(buffer);
            have = keep;
        }
    }

    private static double Milliseconds(long ticks) => ticks * 1000.0 / Stopwatch.Frequency;

    private static byte[] RequestTo(int port)
    {
        const string Body = """{"model":"m","messages":[{"role":"user","content":"Count, slowly and without end, as far as you can."}],"stream":true,"pace":5,"max_tokens":50}""";
        return Encoding.ASCII.GetBytes(
            $"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\nContent-Length: {Body.Length}\r\n\r\n{Body}");
    }
}
