using System.Net;
using System.Text;
using Sluice.Upstreams;

namespace Sluice.Gateway.Tests;

/// <summary>Engines that answer with an error of their own: is it they, or was it the call?</summary>
public sealed class FailureTests
{
    private const string Poison = """{"model":"m","messages":[{"role":"user","content":"poison"}]}""";

    [Fact]
    public async Task Calls_that_an_engine_chokes_on_do_not_close_it_to_others()
    {
        var engine = new FakeUpstream();
        engine.Script = (call, sink, cancel) => Encoding.UTF8.GetString(call.Body.Span).Contains("poison", StringComparison.Ordinal)
            ? Task.FromResult(new CallOutcome(CallEnd.Failed, 500, -1, 0, """{"error":{"code":500,"message":"no array"}}"""))
            : FakeUpstream.WordsAsync(call, sink, cancel, "fine");
        await using var gateway = await TestGateway.StartAsync(engine);

        for (var i = 0; i < 10; i++)
        {
            var failed = await gateway.PostAsync("/v1/chat/completions", Poison);
            Assert.Equal(HttpStatusCode.BadGateway, failed.StatusCode);
            Assert.Equal(
                "The engine failed (fake): no array",
                (await failed.JsonAsync()).GetProperty("error").GetProperty("message").GetString());
            Assert.True((await gateway.Loop.SnapshotAsync()).Engines[0].IsReady);
        }

        Assert.Equal(HttpStatusCode.OK, (await gateway.ChatAsync()).StatusCode);
        Assert.Contains(engine.Calls, c => c.ExternalId == "sluice-question");
        var metrics = await (await gateway.Client.GetAsync("/metrics")).Content.ReadAsStringAsync();
        Assert.Contains("""sluice_evictions_total{model="m",class="default"} 0""", metrics, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_engine_that_fails_everything_is_closed_and_its_calls_are_answered_by_another()
    {
        var sick = new FakeUpstream("sick")
        {
            Script = (_, _, _) => Task.FromResult(new CallOutcome(CallEnd.Failed, 500, -1, 0, "CUDA error")),
        };
        var sound = new FakeUpstream("sound");
        var doubted = new TaskCompletionSource<IUpstream>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var gateway = await TestGateway.StartAsync(sick, sound);
        gateway.Loop.Suspected = upstream => doubted.TrySetResult(upstream);

        for (var i = 0; i < 20 && !doubted.Task.IsCompleted; i++) await gateway.ChatAsync();

        Assert.Same(sick, await doubted.Task.WaitAsync(TimeSpan.FromSeconds(30)));
        for (var i = 0; i < 5; i++) Assert.Equal(HttpStatusCode.OK, (await gateway.ChatAsync()).StatusCode);
    }
}
