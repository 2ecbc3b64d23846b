using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Sluice.Gateway.Tests;

/// <summary>Callers that mean harm, or are broken.</summary>
public sealed class HostileTests
{
    [Fact]
    public async Task A_body_announced_as_100_MB_is_refused_before_it_is_read()
    {
        await using var gateway = await TestGateway.StartAsync(new FakeUpstream());

        var answer = await RawAsync(gateway, "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 104857600\r\n\r\n{", breaksOff: false);

        Assert.StartsWith("HTTP/1.1 413", answer, StringComparison.Ordinal);
        Assert.Contains("body_too_large", answer, StringComparison.Ordinal);
        Assert.Equal(0, gateway.Services.Bodies.Held);
    }

    /// <summary>Sent to its end by a caller that looks for no answer before, to a gateway in a process of its own.</summary>
    [Theory]
    [InlineData("/v1/chat/completions", true)]
    [InlineData("/v1/chat/completions", false)]
    [InlineData("/v1/responses", false)]
    [InlineData("/v1/batches", false)]
    public async Task A_body_of_100_MB_is_refused_with_little_memory_and_others_are_served(string path, bool isAnnounced)
    {
        const int MegabytesMore = 150; // Twice the largest body allowed, and what the heap has not given back yet.
        var folder = BatchGateway.NewFolder();
        using var gateway = ChildGateway.Start(folder);
        using var client = new HttpClient { BaseAddress = new(await gateway.AddressAsync()) };
        Assert.Equal(HttpStatusCode.OK, await ChatAsync());
        var before = gateway.PeakMegabytes();

        for (var i = 0; i < 4; i++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new EndlessJson(100_000_000, isAnnounced) };
            using var response = await client.SendAsync(request);
            Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
            Assert.Equal("body_too_large", (await response.JsonAsync()).GetProperty("error").GetProperty("code").GetString());
            Assert.Equal(HttpStatusCode.OK, await ChatAsync());
        }

        Assert.InRange(gateway.PeakMegabytes() - before, 0, MegabytesMore);
        gateway.Dispose();
        Directory.Delete(folder, recursive: true);

        async Task<HttpStatusCode> ChatAsync() =>
            (await client.PostAsync("/v1/chat/completions", new StringContent(TestGateway.Chat()))).StatusCode;
    }

    [Fact]
    public async Task Bodies_of_all_requests_together_are_bounded()
    {
        var end = new TaskCompletionSource();
        var began = new TaskCompletionSource();
        var engine = new FakeUpstream();
        engine.Script = async (call, sink, cancel) =>
        {
            began.TrySetResult();
            await end.Task;
            return await FakeUpstream.WordsAsync(call, sink, cancel, "x");
        };
        await using var gateway = await TestGateway.StartAsync(new GatewayOptions { BodiesBytesMax = 3000 }, null, engine);
        var body = TestGateway.Chat(text: new string('x', 2000));

        var first = gateway.PostAsync("/v1/chat/completions", body);
        await began.Task;
        var second = await gateway.PostAsync("/v1/chat/completions", body);
        end.SetResult();

        Assert.Equal(HttpStatusCode.TooManyRequests, second.StatusCode);
        Assert.Equal("bodies_full", (await second.JsonAsync()).GetProperty("error").GetProperty("code").GetString());
        Assert.Equal(HttpStatusCode.OK, (await first).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await gateway.PostAsync("/v1/chat/completions", body)).StatusCode);
    }

    [Fact]
    public async Task A_flood_of_headers_is_refused()
    {
        await using var gateway = await TestGateway.StartAsync(new FakeUpstream());
        var flood = new StringBuilder("GET /v1/models HTTP/1.1\r\nHost: x\r\n");
        for (var i = 0; i < 120; i++) flood.Append($"x-flood-{i}: y\r\n"); // Small enough to be read in one piece.

        var answer = await RawAsync(gateway, flood.Append("\r\n").ToString(), breaksOff: false);

        Assert.StartsWith("HTTP/1.1 431", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_header_without_end_is_refused()
    {
        await using var gateway = await TestGateway.StartAsync(new FakeUpstream());

        var answer = await RawAsync(gateway, $"GET /v1/models HTTP/1.1\r\nHost: x\r\nx-long: {new string('y', 64 << 10)}", breaksOff: false);

        Assert.StartsWith("HTTP/1.1 431", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_head_that_comes_too_slowly_is_cut_off()
    {
        await using var gateway = await TestGateway.StartAsync(
            new GatewayOptions { HeadersWithin = TimeSpan.FromSeconds(1) }, null, new FakeUpstream());

        var answer = await RawAsync(gateway, "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-", breaksOff: false);

        Assert.StartsWith("HTTP/1.1 408", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_body_that_comes_too_slowly_is_cut_off_with_an_error_and_holds_no_more_than_was_sent()
    {
        await using var gateway = await TestGateway.StartAsync(
            new GatewayOptions { BodyBytesPerSecond = 100_000, BodyGrace = TimeSpan.FromSeconds(1.5) }, null, new FakeUpstream());

        var answer = RawAsync(
            gateway, "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 33000000\r\n\r\n{\"model\":", breaksOff: false);
        var most = 0L;
        while (!answer.IsCompleted)
        {
            most = Math.Max(most, gateway.Services.Bodies.Held);
            await Task.Yield();
        }

        Assert.StartsWith("HTTP/1.1 408", await answer, StringComparison.Ordinal);
        Assert.Contains("bad_http", await answer, StringComparison.Ordinal);
        Assert.Equal("{\"model\":".Length, most);
        Assert.Equal(0, gateway.Services.Bodies.Held);
    }

    [Fact]
    public async Task A_body_without_announced_length_is_cut_off_at_the_limit()
    {
        await using var gateway = await TestGateway.StartAsync(
            new GatewayOptions { BodyBytesMax = 100_000 }, null, new FakeUpstream());
        var chunk = $"4000\r\n{new string('x', 0x4000)}\r\n";

        var answer = await RawAsync(
            gateway,
            "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + string.Concat(Enumerable.Repeat(chunk, 20)),
            breaksOff: false);

        Assert.StartsWith("HTTP/1.1 413", answer, StringComparison.Ordinal);
        Assert.Contains("more than 100000 bytes", answer, StringComparison.Ordinal);
        Assert.Equal(0, gateway.Services.Bodies.Held);
    }

    [Fact]
    public async Task A_large_body_that_comes_in_pieces_arrives_as_it_was_sent()
    {
        var engine = new FakeUpstream();
        await using var gateway = await TestGateway.StartAsync(engine);
        var body = TestGateway.Chat(text: string.Concat(Enumerable.Range(0, 60_000).Select(i => $"{i} ")));

        var announced = await gateway.PostAsync("/v1/chat/completions", body);
        var unknown = await gateway.Client.SendAsync(new(HttpMethod.Post, "/v1/chat/completions")
        {
            Content = new StringContent(body), Headers = { TransferEncodingChunked = true },
        });

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK), (announced.StatusCode, unknown.StatusCode));
        Assert.All(engine.Calls, c => Assert.Equal(body, Encoding.UTF8.GetString(c.Body.Span)));
        Assert.Equal(2, engine.Calls.Count);
    }

    [Fact]
    public async Task JSON_nested_without_end_is_refused()
    {
        await using var gateway = await TestGateway.StartAsync(new FakeUpstream());

        var response = await gateway.PostAsync("/v1/chat/completions", "{\"model\":\"m\",\"messages\":" + new string('[', 100_000));

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
    }

    [Fact]
    public async Task A_string_that_is_not_UTF_8_is_refused_or_passed_but_breaks_nothing()
    {
        await using var gateway = await TestGateway.StartAsync(new FakeUpstream());
        var content = new ByteArrayContent([.. "{\"model\":\""u8, 0xff, 0xfe, .. "\"}"u8]);

        var response = await gateway.Client.PostAsync("/v1/chat/completions", content);

        Assert.InRange((int)response.StatusCode, 400, 404);
        Assert.Equal(HttpStatusCode.OK, (await gateway.ChatAsync()).StatusCode);
    }

    [Theory]
    [InlineData("Content-Length: 100\r\n\r\n{\"model\":")]
    [InlineData("Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n")]
    [InlineData("Content-Length: -5\r\n\r\n")]
    [InlineData("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")]
    public async Task A_body_that_breaks_off_or_lies_about_its_length_harms_nobody_else(string rest)
    {
        await using var gateway = await TestGateway.StartAsync(new FakeUpstream());

        await RawAsync(gateway, "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n" + rest);

        Assert.Equal(HttpStatusCode.OK, (await gateway.ChatAsync()).StatusCode);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (gateway.Services.Bodies.Held > 0)
        {
            patience.Token.ThrowIfCancellationRequested(); // What was held for a body that broke off is never given back.
            await Task.Yield();
        }
    }

    /// <summary>10,000 connections, half of which have begun to say something, to a gateway in a process of its own. Bounded by
    /// what this machine lets a process open.</summary>
    [Fact]
    public async Task Ten_thousand_connections_that_say_nothing_keep_nobody_from_being_served_and_cost_little()
    {
        const int BytesEach = 20_000;
        var count = Math.Min(10_000, OpenFilesMax() - 500);
        var folder = BatchGateway.NewFolder();
        using var gateway = ChildGateway.Start(folder);
        using var client = new HttpClient { BaseAddress = new(await gateway.AddressAsync()) };
        Assert.Equal(HttpStatusCode.OK, await ChatAsync());
        var before = gateway.ResidentMegabytes();
        var idle = new List<Socket>();
        try
        {
            for (var i = 0; i < count; i++)
            {
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
                idle.Add(socket);
                await socket.ConnectAsync(IPAddress.Loopback, client.BaseAddress!.Port);
                if (i % 2 == 0) await socket.SendAsync("POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n"u8.ToArray());
            }

            Assert.Equal(HttpStatusCode.OK, await ChatAsync());
            Assert.InRange((gateway.ResidentMegabytes() - before) * 1e6 / count, 0, BytesEach);
        }
        finally
        {
            foreach (var socket in idle) socket.Dispose();
        }

        Assert.Equal(HttpStatusCode.OK, await ChatAsync());
        gateway.Dispose();
        Directory.Delete(folder, recursive: true);

        async Task<HttpStatusCode> ChatAsync() =>
            (await client.PostAsync("/v1/chat/completions", new StringContent(TestGateway.Chat()))).StatusCode;
    }

    private static int OpenFilesMax()
    {
        if (!File.Exists("/proc/self/limits")) return 2000;
        var line = File.ReadLines("/proc/self/limits").First(l => l.StartsWith("Max open files", StringComparison.Ordinal));
        var soft = line["Max open files".Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries)[0];
        return int.TryParse(soft, NumberStyles.None, CultureInfo.InvariantCulture, out var files) ? files : int.MaxValue;
    }

    /// <summary>Sends bytes as they are and reads what comes back until the gateway closes.</summary>
    /// <param name="breaksOff">The sending side ends there.</param>
    private static async Task<string> RawAsync(TestGateway gateway, string request, bool breaksOff = true)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, gateway.Address.Port);
        await using var stream = new NetworkStream(socket);
        var (answer, buffer) = (new StringBuilder(), new byte[4096]);
        try
        {
            await stream.WriteAsync(Encoding.ASCII.GetBytes(request));
            if (breaksOff) socket.Shutdown(SocketShutdown.Send);
            while (answer.Length == 0 || breaksOff || answer[^1] != '}')
            {
                var read = await stream.ReadAsync(buffer);
                if (read == 0) break;
                answer.Append(Encoding.UTF8.GetString(buffer, 0, read));
            }
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            // It was cut off; what came before counts.
        }

        return answer.ToString();
    }

    /// <summary>One long string, made while it is sent.</summary>
    private sealed class EndlessJson(long bytes, bool isAnnounced) : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            var piece = new byte[64 << 10];
            piece.AsSpan().Fill((byte)'x');
            "{\"model\":\"m\",\"input\":\""u8.CopyTo(piece);
            for (var left = bytes; left > 0; left -= piece.Length)
            {
                await stream.WriteAsync(piece.AsMemory(0, (int)Math.Min(left, piece.Length)));
                piece.AsSpan(0, 64).Fill((byte)'x');
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = bytes;
            return isAnnounced;
        }
    }
}
