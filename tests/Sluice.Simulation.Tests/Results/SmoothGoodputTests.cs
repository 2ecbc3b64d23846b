using Sluice.Core;

namespace Sluice.Simulation.Tests;

public sealed class SmoothGoodputTests
{
    private static readonly ReaderModel s_fast = new() { TokensPerSecond = 100, IdlePenalty = 50 };

    /// <summary>A step takes 10 ms, the reader takes a token in 10 ms: only the time to the first token is idle.</summary>
    [Fact]
    public void A_reader_idles_until_the_first_token_and_not_again()
    {
        var run = RunOf(s_fast, stepMs: 10, (A.Request(0, promptTokens: 10), 20));

        Assert.Equal(20, run.All.OutputTokens);
        Assert.Equal(0, run.All.IdleSeconds, 9); // Due after one token's time, and there after one step.
        Assert.Equal(1, run.All.SmoothShare);
        Assert.Equal(20 / run.VirtualSeconds, run.SmoothGoodput, 9);
    }

    [Fact]
    public void Steps_slower_than_the_reader_cost_what_they_are_late()
    {
        var run = RunOf(s_fast, stepMs: 30, (A.Request(0, promptTokens: 10), 20));

        Assert.Equal(20 * 0.030 - 20 * 0.010, run.All.IdleSeconds, 6);
        Assert.Equal((20 - 50 * run.All.IdleSeconds) / run.VirtualSeconds, run.SmoothGoodput, 6);
        Assert.Equal(0, run.All.SmoothShare);
    }

    [Fact]
    public void Tokens_ahead_of_the_reader_pay_for_a_pause()
    {
        // Two steps' worth of lead is spent while a long prompt of somebody else is computed.
        var slow = new ReaderModel { TokensPerSecond = 10 };
        var run = RunOf(slow, stepMs: 10, (A.Request(0, promptTokens: 10), 50), (A.Request(1, promptTokens: 4000, arrivalTicks: 10_0000), 5));

        Assert.Equal(2, run.All.Smooth);
    }

    [Fact]
    public void Without_a_penalty_it_is_throughput()
    {
        var run = RunOf(s_fast with { IdlePenalty = 0 }, stepMs: 30, (A.Request(0), 20), (A.Request(1), 30));

        Assert.Equal(run.OutputTokensPerSecond, run.SmoothGoodput, 9);
    }

    [Fact]
    public void Dropping_a_late_request_is_worth_less_than_serving_it_late()
    {
        var slo = TinyRun.Slo(ttft: 1000);
        var late = RunSummary.Of(new TinyRun().Finished(0, 100, 3000, 5000, output: 40, slo: slo).Make());
        var dropped = RunSummary.Of(new TinyRun().Lost(0, Outcome.Rejected, slo).Make());

        Assert.True(late.All.Met == 0 && dropped.All.Met == 0);
        Assert.True(late.SmoothGoodput > dropped.SmoothGoodput);
        Assert.Equal(-100 / 10.0, dropped.SmoothGoodput, 9); // Never worth less than minus the answer's cap.
    }

    [Fact]
    public void A_caller_who_left_is_scored_up_to_then()
    {
        var run = RunSummary.Of(new TinyRun().Lost(0, Outcome.Cancelled, output: 7).Make());

        Assert.Equal(0, run.All.IdleSeconds);
        Assert.Equal(7 / 10.0, run.SmoothGoodput, 9);
    }

    [Fact]
    public void Work_with_a_completion_time_only_has_no_reader()
    {
        var slo = TinyRun.Slo(e2e: 4000);
        var run = RunSummary.Of(new TinyRun().Finished(0, 100, 3900, 4000, 40, slo: slo).Finished(0, 100, 3900, 6000, 40, slo: slo).Make());

        Assert.Equal(1, run.All.IdleSeconds); // 0 and 2 seconds late.
    }

    private static RunSummary RunOf(ReaderModel reader, double stepMs, params (Request Request, int Output)[] requests)
    {
        var options = new SimulationOptions
        {
            Engines = [A.Profile(new StepCoefficients { A = stepMs })], Reader = reader,
        };
        var simulator = new Simulator(A.Workload(requests), A.System("vllm-v1"), options);
        while (simulator.Run(1000))
        {
        }

        return RunSummary.Of(simulator.Result(TimeSpan.FromSeconds(1), []));
    }
}
