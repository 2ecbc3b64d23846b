using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;

namespace Sluice.Testing;

/// <summary>A request as the fake server read it.</summary>
public sealed record FakeRequest(string Method, string Path, IReadOnlyDictionary<string, string> Headers, string Body)
{
    public JsonNode Json => JsonNode.Parse(Body)!;
}

/// <summary>An HTTP server on the loopback that says exactly the bytes a test wants it to say.</summary>
public sealed class FakeServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<string, Func<FakeRequest, FakeReply, Task>> _routes = new();
    private readonly Task _accepting;

    public FakeServer()
    {
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public Uri Address => new($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");

    public ConcurrentQueue<FakeRequest> Requests { get; } = new();

    /// <param name="route">As in <c>GET /v1/models</c>; the query counts if it is in the route.</param>
    /// <param name="handle">Answers.</param>
    public void Map(string route, Func<FakeRequest, FakeReply, Task> handle) => _routes[route] = handle;

    public void Map(string route, string json, int status = 200) => Map(route, (_, reply) => reply.JsonAsync(status, json));

    public void MapText(string route, string text) => Map(route, (_, reply) => reply.WholeAsync(200, "text/plain; version=0.0.4", text));

    public void Unmap(string route) => _routes.TryRemove(route, out _);

    public FakeRequest[] Asked(string path) => [.. Requests.Where(r => r.Path == path)];

    /// <summary>The engine dies. May be called again.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_stop.IsCancellationRequested) return;
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
    }

    private async Task AcceptAsync()
    {
        var connections = new List<Task>();
        try
        {
            while (true) connections.Add(ServeAsync(await _listener.AcceptSocketAsync(_stop.Token)));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            await Task.WhenAll(connections);
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        using var stream = new NetworkStream(socket, ownsSocket: true);
        try
        {
            while (await ReadAsync(stream) is { } request)
            {
                Requests.Enqueue(request);
                var path = request.Path.Split('?')[0];
                var handle = _routes.GetValueOrDefault($"{request.Method} {request.Path}")
                    ?? _routes.GetValueOrDefault($"{request.Method} {path}")
                    ?? ((_, reply) => reply.JsonAsync(404, """{"detail":"Not Found"}"""));
                var reply = new FakeReply(stream, _stop.Token);
                await handle(request, reply);
                if (!await reply.EndAsync()) return;
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // The other side is gone, or the test is over.
        }
    }

    private async Task<FakeRequest?> ReadAsync(NetworkStream stream)
    {
        var head = new StringBuilder();
        var one = new byte[1];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            if (await stream.ReadAsync(one, _stop.Token) == 0) return null;
            head.Append((char)one[0]);
        }

        var lines = head.ToString().Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        var first = lines[0].Split(' ');
        var headers = lines.Skip(1).Select(l => l.Split(": ", 2)).ToDictionary(h => h[0], h => h[1], StringComparer.OrdinalIgnoreCase);
        var body = new byte[headers.TryGetValue("Content-Length", out var length) ? int.Parse(length) : 0];
        await stream.ReadExactlyAsync(body, _stop.Token);
        return new(first[0], first[1], headers, Encoding.UTF8.GetString(body));
    }
}

/// <summary>What a fake server says to one request.</summary>
public sealed class FakeReply(NetworkStream stream, CancellationToken stop)
{
    private bool _isChunked;
    private bool _isOver;

    /// <summary>Done when the other side has hung up.</summary>
    public async Task GoneAsync()
    {
        _isOver = true;
        var one = new byte[1];
        try
        {
            while (await stream.ReadAsync(one, stop) > 0)
            {
            }
        }
        catch (IOException)
        {
            // Hung up in the hard way.
        }
    }

    public Task JsonAsync(int status, string json, string headers = "") => WholeAsync(status, "application/json", json, headers);

    public Task WholeAsync(int status, string type, string body, string headers = "") => RawAsync(
        $"HTTP/1.1 {status} X\r\nContent-Type: {type}\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}\r\n{headers}\r\n{body}");

    public Task RawAsync(string text) => stream.WriteAsync(Encoding.UTF8.GetBytes(text), stop).AsTask();

    /// <summary>Begins a stream of events.</summary>
    public Task StreamAsync(string headers = "")
    {
        _isChunked = true;
        return RawAsync($"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n{headers}\r\n");
    }

    /// <summary>Bytes of a stream, whatever they are.</summary>
    public Task PieceAsync(string text) => RawAsync($"{Encoding.UTF8.GetByteCount(text):x}\r\n{text}\r\n");

    public Task EventAsync(string json) => PieceAsync($"data: {json}\n\n");

    /// <summary>Ends here without the end that is due.</summary>
    public void HangUp() => _isOver = true;

    /// <returns>False if the connection ends too.</returns>
    public async Task<bool> EndAsync()
    {
        if (_isOver) return false;
        if (_isChunked) await RawAsync("0\r\n\r\n");
        return true;
    }
}
