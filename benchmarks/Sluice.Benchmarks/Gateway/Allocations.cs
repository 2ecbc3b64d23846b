using System.Buffers.Text;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Sluice.Gateway;
using Sluice.Upstreams;

namespace Sluice.Benchmarks;

/// <summary>Bytes that the gateway allocates for an answer, beyond what engine and caller allocate without it. Unlike times they are
/// the same on a busy machine.</summary>
internal static class Allocations
{
    private const string Chat = "\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"What is a sluice, and who invented it?\"}]";
    private const string Plain = "x-sluice-on-interruption: restart-if-nothing-sent\r\n";

    /// <returns>One row: bytes for each whole answer, for each gathered one, for each token of a paced stream.</returns>
    public static async Task<string> MeasureAsync()
    {
        var stub = FreePort();
        _ = StubEngine.RunAsync(stub);
        var engine = new HttpUpstream(new() { Name = "stub", Address = new($"http://127.0.0.1:{stub}"), Kind = UpstreamKind.OpenAi }, TimeProvider.System);
        await using var app = GatewayHost.Build(new() { Port = 0 }, [new(engine, PlacesMax: 4096)]);
        await app.StartAsync();
        var gateway = new Uri(app.Urls.First()).Port;

        var whole = await ForEachAsync(gateway, stub, "{" + Chat + "}", Plain, times: 2000);
        var gathered = await ForEachAsync(gateway, stub, "{" + Chat + "}", "", times: 2000);
        var stream = await ForEachAsync(gateway, stub, "{" + Chat + ",\"stream\":true,\"pace\":2}", "", times: 40);
        return string.Create(CultureInfo.InvariantCulture, $"{whole:F0} {gathered:F0} {stream / StubEngine.PacedTokens:F0}");
    }

    private static async Task<double> ForEachAsync(int gateway, int stub, string body, string header, int times)
    {
        await AllAsync(gateway, body, header, times); // warm
        await AllAsync(stub, body, header, times);
        return await AllAsync(gateway, body, header, times) - await AllAsync(stub, body, header, times);
    }

    private static async Task<double> AllAsync(int port, string body, string header, int times)
    {
        var request = Encoding.ASCII.GetBytes(
            $"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n{header}Content-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n{body}");
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, port);
        var buffer = new byte[256 << 10];
        var before = GC.GetTotalAllocatedBytes(precise: true);
        for (var i = 0; i < times; i++)
        {
            await socket.SendAsync(request);
            for (var have = 0; !IsWhole(buffer.AsSpan(0, have));)
            {
                var read = await socket.ReceiveAsync(buffer.AsMemory(have));
                if (read == 0) throw new InvalidDataException("it hung up");
                have += read;
            }
        }

        return (GC.GetTotalAllocatedBytes(precise: true) - before) / (double)times;
    }

    private static bool IsWhole(ReadOnlySpan<byte> answer)
    {
        var head = answer.IndexOf("\r\n\r\n"u8);
        if (head < 0) return false;
        if (!answer.StartsWith("HTTP/1.1 200"u8)) throw new InvalidDataException("no answer");
        var at = answer[..head].IndexOf("Content-Length: "u8);
        if (at < 0) return answer.EndsWith("\r\n0\r\n\r\n"u8);
        return Utf8Parser.TryParse(answer[(at + 16)..], out int length, out _) && answer.Length >= head + 4 + length;
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
