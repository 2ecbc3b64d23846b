namespace Sluice.Upstreams.Tests;

public sealed class SharedDeviceUpstreamTests
{
    /// <summary>A vLLM that sleeps and wakes, and says so in a log that it shares with others.</summary>
    private static FakeServer Sleeper(string model, bool isAsleep, List<string> log)
    {
        var server = FakeEngines.MakeVllm();
        server.Map("GET /v1/models", $$"""{"data":[{"id":"{{model}}","owned_by":"vllm"}]}""");
        server.Map("GET /is_sleeping", (_, reply) => reply.JsonAsync(200, isAsleep ? """{"is_sleeping":true}""" : """{"is_sleeping":false}"""));
        server.Map("POST /sleep", (_, reply) => Become(reply, true));
        server.Map("POST /wake_up", (_, reply) => Become(reply, false));
        return server;

        Task Become(FakeReply reply, bool sleeps)
        {
            isAsleep = sleeps;
            lock (log) log.Add($"{model} {(sleeps ? "sleeps" : "wakes")}");
            return reply.WholeAsync(200, "text/plain", "");
        }
    }

    private static HttpUpstream Engine(FakeServer server) =>
        new(new() { Name = "x", Address = server.Address }, TimeProvider.System);

    [Fact]
    public async Task A_swap_puts_one_to_sleep_before_the_other_wakes()
    {
        var log = new List<string>();
        await using var chat = Sleeper("chat", isAsleep: false, log);
        await using var code = Sleeper("code", isAsleep: true, log);
        await using var device = new SharedDeviceUpstream("gpu-1", [Engine(chat), Engine(code)]);
        Assert.True(await device.ProbeAsync(default));
        Assert.Equal([("chat", true), ("code", false)], device.Capabilities.Models.Select(m => (m.Name, m.IsLoaded)));
        Assert.Equal(CallEnd.Completed, (await device.CallAsync(Calls.Chat("chat"), new Answers(), default)).End);
        Assert.Equal(CallEnd.Busy, (await device.CallAsync(Calls.Chat("code"), new Answers(), default)).End);
        Assert.Equal(CallEnd.Refused, (await device.CallAsync(Calls.Chat("none"), new Answers(), default)).End);

        Assert.True(await device.LoadAsync("code", default));

        Assert.Equal(["chat sleeps", "code wakes"], log);
        Assert.Equal(CallEnd.Completed, (await device.CallAsync(Calls.Chat("code"), new Answers(), default)).End);
        Assert.True(await device.LoadAsync("code", default));
        Assert.Equal(2, log.Count);
        Assert.False(await device.LoadAsync("none", default));
    }

    [Fact]
    public async Task One_that_does_not_go_to_sleep_keeps_the_other_from_waking()
    {
        var log = new List<string>();
        await using var chat = Sleeper("chat", isAsleep: false, log);
        await using var code = Sleeper("code", isAsleep: true, log);
        chat.Map("POST /sleep", "{}", 500);
        await using var device = new SharedDeviceUpstream("gpu-1", [Engine(chat), Engine(code)]);
        await device.ProbeAsync(default);

        Assert.False(await device.LoadAsync("code", default));

        Assert.Empty(log);
    }
}
