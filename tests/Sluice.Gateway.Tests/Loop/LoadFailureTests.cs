using System.Net;
using Sluice.Core;

namespace Sluice.Gateway.Tests;

/// <summary>Models that cannot be loaded: the engine stays with what it has, and whoever waits is told in the end.</summary>
public sealed class LoadFailureTests
{
    private const string OfN = """{"model":"n","messages":[]}""";

    private static readonly GatewayOptions s_quick = new()
    {
        LoadRetries = new() { First = TimeSpan.FromMilliseconds(10), Most = TimeSpan.FromMilliseconds(20), FailuresMax = 3 },
    };

    [Fact]
    public async Task A_load_that_fails_once_is_tried_again_and_nobody_notices()
    {
        var engine = new FakeUpstream("swapper", "m", "n") { CanSwap = true };
        engine.Loading = _ => engine.Loads.Count > 1;
        await using var gateway = await TestGateway.StartAsync(s_quick, null, engine);

        var response = await gateway.PostAsync("/v1/chat/completions", OfN);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(["n", "n"], engine.Loads);
    }

    [Fact]
    public async Task A_model_that_never_loads_is_an_error_of_that_model_and_the_engine_serves_its_others()
    {
        var engine = new FakeUpstream("swapper", "m", "n") { CanSwap = true, Loading = model => model != "n" };
        await using var gateway = await TestGateway.StartAsync(s_quick, null, engine);
        var events = new CountEnds();
        gateway.Loop.Events.Add(events);

        var refused = await gateway.PostAsync("/v1/chat/completions", OfN);
        var served = await gateway.ChatAsync();

        var error = (await refused.JsonAsync()).GetProperty("error");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        Assert.Equal("model_load_failed", error.GetProperty("code").GetString());
        Assert.Contains("n: the file is damaged", error.GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Equal(3, engine.Loads.Count(l => l == "n"));
        Assert.Equal(3, events.LoadFailures.Count);
        Assert.Equal(HttpStatusCode.OK, served.StatusCode);
    }

    [Fact]
    public async Task A_model_that_was_given_up_is_refused_at_once_until_its_next_try()
    {
        var minute = TimeSpan.FromMinutes(1);
        var options = s_quick with { LoadRetries = new() { FailuresMax = 1, First = minute, Most = minute } };
        var engine = new FakeUpstream("swapper", "m", "n") { CanSwap = true, Loading = model => model != "n" };
        await using var gateway = await TestGateway.StartAsync(options, null, engine);
        await gateway.PostAsync("/v1/chat/completions", OfN);

        var again = await gateway.PostAsync("/v1/chat/completions", OfN);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, again.StatusCode);
        Assert.Contains("the file is damaged", await again.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.InRange(again.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 60);
        Assert.Single(engine.Loads);
    }

    [Fact]
    public async Task An_engine_that_lost_its_old_model_over_the_attempt_gets_it_back()
    {
        var engine = new FakeUpstream("swapper", "m", "n") { CanSwap = true };
        engine.Loading = model =>
        {
            if (model == "n") engine.Unload();
            return model != "n";
        };
        await using var gateway = await TestGateway.StartAsync(s_quick, null, engine);

        var refused = await gateway.PostAsync("/v1/chat/completions", OfN);
        var served = await gateway.ChatAsync();

        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        Assert.Equal(HttpStatusCode.OK, served.StatusCode);
        Assert.Equal(["n", "m", "n", "m", "n", "m"], engine.Loads);
    }
}
