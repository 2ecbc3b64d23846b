using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Sluice.Benchmarks;

/// <summary>An engine that costs next to nothing: canned answers of about 1 KB, whole or token by token. What stands between it
/// and a load generator can be measured.</summary>
/// <remarks>Fields of a request's body that it heeds: <c>stream</c>; <c>pace</c>, milliseconds between two tokens, each of which
/// then carries the time at which it was sent; <c>hold</c>, to never answer.</remarks>
internal static class StubEngine
{
    public const int PacedTokens = 50;
    private const int Words = 140;

    private static readonly byte[] s_models = Whole("""{"object":"list","data":[{"id":"m","object":"model","created":1,"owned_by":"stub"}]}""");
    private static readonly byte[] s_missing = Whole("{}", "404 Not Found");
    private static readonly byte[] s_answer = Whole(
        """{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":""" +
        $"\"{string.Concat(Enumerable.Repeat("word ", Words))}\"" +
        """},"finish_reason":"stop"}],"usage":{"prompt_tokens":20,"completion_tokens":140,"total_tokens":160}}""");

    private static readonly byte[] s_streamHead = Encoding.ASCII.GetBytes(
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");

    private static readonly byte[] s_streamEnd = Encoding.ASCII.GetBytes(
        Chunk("""{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}""") +
        Chunk("[DONE]") + "0\r\n\r\n");

    /// <summary>A whole answer as a stream that comes at once.</summary>
    private static readonly byte[] s_burst =
        [.. s_streamHead, .. Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat(Token("word "), Words))), .. s_streamEnd];

    public static async Task RunAsync(int port)
    {
        using var listener = new Socket(SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, port));
        listener.Listen(4096);
        while (true) _ = ServeAsync(await listener.AcceptAsync());
    }

    private static async Task ServeAsync(Socket socket)
    {
        using var _ = socket;
        socket.NoDelay = true;
        var buffer = new byte[64 << 10];
        var have = 0;
        try
        {
            while (true)
            {
                int end, length;
                while (!TryFindRequest(buffer.AsSpan(0, have), out end, out length))
                {
                    var read = await socket.ReceiveAsync(buffer.AsMemory(have));
                    if (read == 0) return;
                    have += read;
                }

                await AnswerAsync(socket, buffer.AsMemory(0, end), buffer.AsMemory(end, length));
                buffer.AsSpan(end + length, have - end - length).CopyTo(buffer);
                have -= end + length;
            }
        }
        catch (SocketException)
        {
            // Whoever asked is gone.
        }
    }

    private static async ValueTask AnswerAsync(Socket socket, ReadOnlyMemory<byte> head, ReadOnlyMemory<byte> body)
    {
        if (head.Span.StartsWith("GET /v1/models "u8)) await SendAsync(socket, s_models);
        else if (!head.Span.StartsWith("POST /v1/chat/completions "u8)) await SendAsync(socket, s_missing);
        else if (body.Span.IndexOf("\"hold\":true"u8) >= 0) await socket.ReceiveAsync(new byte[1]);
        else if (body.Span.IndexOf("\"stream\":true"u8) < 0) await SendAsync(socket, s_answer);
        else if (body.Span.IndexOf("\"pace\":"u8) is var at && at < 0) await SendAsync(socket, s_burst);
        else await PaceAsync(socket, body.Span[at + 7] - '0');
    }

    private static async Task PaceAsync(Socket socket, int milliseconds)
    {
        using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(milliseconds));
        for (var i = 0; i < PacedTokens; i++)
        {
            if (i > 0) await pace.WaitForNextTickAsync();
            var now = Stopwatch.GetTimestamp().ToString("D20", CultureInfo.InvariantCulture);
            var token = Encoding.ASCII.GetBytes(Token(now + " "));
            await SendAsync(socket, i == 0 ? [.. s_streamHead, .. token] : token);
        }

        await SendAsync(socket, s_streamEnd);
    }

    private static async ValueTask SendAsync(Socket socket, ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty) bytes = bytes[await socket.SendAsync(bytes)..];
    }

    private static bool TryFindRequest(ReadOnlySpan<byte> bytes, out int end, out int length)
    {
        length = 0;
        end = bytes.IndexOf("\r\n\r\n"u8) + 4;
        if (end < 4) return false;
        foreach (var line in Encoding.ASCII.GetString(bytes[..end]).Split("\r\n"))
            if (line.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase))
                length = int.Parse(line[15..], CultureInfo.InvariantCulture);
        return bytes.Length >= end + length;
    }

    private static string Token(string text) => Chunk(
        """{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":""" +
        $"\"{text}\"" + """},"finish_reason":null}]}""");

    private static string Chunk(string data) => $"{data.Length + 8:x}\r\ndata: {data}\n\n\r\n";

    private static byte[] Whole(string json, string status = "200 OK") => Encoding.ASCII.GetBytes(
        $"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {json.Length}\r\n\r\n{json}");
}
