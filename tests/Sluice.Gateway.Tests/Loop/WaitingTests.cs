using System.Globalization;
using System.Net;
using Sluice.Upstreams;

namespace Sluice.Gateway.Tests;

/// <summary>Requests that wait, are refused, or wait for too long.</summary>
public sealed class WaitingTests
{
    [Theory]
    [InlineData("x-sluice-queue-timeout-ms", "30", 408)]
    [InlineData("x-stainless-read-timeout", "0.03", 408)]
    public async Task A_callers_own_patience_ends_with_408_before_the_caller_gives_up(string header, string value, int status)
    {
        var end = new TaskCompletionSource();
        await using var gateway = await FullAsync(end);

        var response = await gateway.ChatAsync("", (header, value));

        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal("queue_timeout", (await response.JsonAsync()).GetProperty("error").GetProperty("code").GetString());
        Assert.Equal("true", response.Header("x-should-retry"));
        Assert.Equal("rejected-ttl-expired", response.Header("x-llm-d-request-dropped-reason"));
        end.SetResult();
    }

    [Fact]
    public async Task The_classs_limit_of_the_wait_ends_with_504()
    {
        var end = new TaskCompletionSource();
        var classes = new SloClasses([.. SloClasses.Default.All.Select(c => c with { QueueMax = TimeSpan.FromMilliseconds(20) })]);
        await using var gateway = await FullAsync(end, new GatewayOptions { Classes = classes });

        Assert.Equal(HttpStatusCode.GatewayTimeout, (await gateway.ChatAsync()).StatusCode);
        end.SetResult();
    }

    [Fact]
    public async Task What_would_miss_its_promise_is_refused_with_an_honest_time_to_come_back()
    {
        var end = new TaskCompletionSource();
        await using var gateway = await FullAsync(end);

        var response = await gateway.ChatAsync("", ("x-sluice-ttft-ms", "100"));

        Assert.Equal(HttpStatusCode.TooManyRequests, response.StatusCode);
        var seconds = int.Parse(response.Header("Retry-After"), CultureInfo.InvariantCulture);
        Assert.InRange(seconds, 1, 120);
        Assert.Equal("true", response.Header("x-should-retry"));
        Assert.Equal("rejected-saturated", response.Header("x-llm-d-request-dropped-reason"));
        Assert.NotEmpty(response.Header("x-sluice-expected-wait-ms"));
        Assert.Equal("slo_unreachable", (await response.JsonAsync()).GetProperty("error").GetProperty("code").GetString());
        end.SetResult();
    }

    [Fact]
    public async Task The_same_request_is_held_when_its_caller_says_so()
    {
        var end = new TaskCompletionSource();
        await using var gateway = await FullAsync(end);

        var events = new CountEnds();
        gateway.Loop.Events.Add(events);
        var held = gateway.ChatAsync("", ("x-sluice-ttft-ms", "100"), ("x-sluice-on-late", "hold"));
        await events.Queued(1);
        end.SetResult();

        var response = await held;
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.NotEmpty(response.Header("x-sluice-queue-position"));
    }

    [Fact]
    public async Task A_model_whose_engines_are_gone_for_long_is_503()
    {
        var engine = new FakeUpstream();
        await using var gateway = await TestGateway.StartAsync(new GatewayOptions { HoldLost = TimeSpan.Zero }, null, engine);
        engine.IsUp = false;
        await gateway.Loop.LeaveAsync(engine);

        var response = await gateway.ChatAsync();

        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Equal("no_engine", (await response.JsonAsync()).GetProperty("error").GetProperty("code").GetString());
        Assert.NotEmpty(response.Header("Retry-After"));
    }

    [Fact]
    public async Task A_model_whose_engine_was_just_lost_is_held_until_it_is_back()
    {
        var engine = new FakeUpstream();
        await using var gateway = await TestGateway.StartAsync(engine);
        engine.IsUp = false;
        await gateway.Loop.LeaveAsync(engine);

        var held = gateway.ChatAsync();
        engine.IsUp = true;

        Assert.Equal(HttpStatusCode.OK, (await held).StatusCode);
    }

    [Fact]
    public async Task An_estimate_says_how_long_it_would_be_and_runs_nothing()
    {
        var end = new TaskCompletionSource();
        await using var gateway = await FullAsync(end);

        var free = await (await gateway.PostAsync("/v1/estimate", TestGateway.Chat())).JsonAsync();

        Assert.True(free.GetProperty("wait_ms").GetDouble() > 0);
        Assert.Equal("default", free.GetProperty("class").GetString());
        var tight = await (await gateway.PostAsync("/v1/estimate", TestGateway.Chat(), default, ("x-sluice-ttft-ms", "1"))).JsonAsync();
        Assert.False(tight.GetProperty("slo_met").GetBoolean());
        Assert.Equal(1, gateway.Loop.Live);
        end.SetResult();
    }

    [Fact]
    public async Task Told_to_stop_it_finishes_what_runs_and_refuses_what_comes()
    {
        var (began, end) = (new TaskCompletionSource(), new TaskCompletionSource());
        var engine = new FakeUpstream
        {
            Script = async (call, sink, cancel) =>
            {
                began.TrySetResult();
                await end.Task;
                return await FakeUpstream.WordsAsync(call, sink, cancel, "done");
            },
        };
        await using var gateway = await TestGateway.StartAsync(engine);

        var running = gateway.ChatAsync();
        await began.Task;
        var stopped = gateway.StopAsync();
        while (!gateway.Loop.IsStopping) await Task.Yield();
        var late = await gateway.ChatAsync();
        end.SetResult();

        Assert.Equal(HttpStatusCode.ServiceUnavailable, late.StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await running).StatusCode);
        await stopped;
    }

    /// <summary>A gateway whose one engine is taken by a request that ends when it is told to, and that does not give
    /// way.</summary>
    private static async Task<TestGateway> FullAsync(TaskCompletionSource end, GatewayOptions? options = null)
    {
        var began = new TaskCompletionSource();
        var engine = new FakeUpstream { SequencesMax = 1 };
        engine.Script = async (call, sink, cancel) =>
        {
            began.TrySetResult();
            await end.Task;
            return await FakeUpstream.WordsAsync(call, sink, cancel, "x");
        };
        var gateway = await TestGateway.StartAsync(options ?? new(), null, engine);
        _ = gateway.ChatAsync("", ("x-sluice-ttft-ms", "50"), ("x-sluice-on-interruption", "fail"));
        await began.Task;
        return gateway;
    }
}
