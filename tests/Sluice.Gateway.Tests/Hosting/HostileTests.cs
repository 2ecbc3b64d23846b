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

    [Fact]
    public async Task Connections_that_say_nothing_keep_nobody_from_being_served()
    {
        await using var gateway = await TestGateway.StartAsync(new FakeUpstream());
        var idle = new List<Socket>();
        try
        {
            for (var i = 0; i < 500; i++)
            {
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
                idle.Add(socket);
                await socket.ConnectAsync(IPAddress.Loopback, gateway.Address.Port);
            }

            Assert.Equal(HttpStatusCode.OK, (await gateway.ChatAsync()).StatusCode);
        }
        finally
        {
            foreach (var socket in idle) socket.Dispose();
        }
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
}
