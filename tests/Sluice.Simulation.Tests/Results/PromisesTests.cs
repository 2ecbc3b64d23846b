using Sluice.Core;

namespace Sluice.Simulation.Tests;

public sealed class PromisesTests
{
    [Fact]
    public void A_promise_kept_to_the_tick_is_met() => Assert.True(Met(TinyRun.Slo(ttft: 200, tpot: 25, e2e: 1200)));

    [Theory]
    [InlineData(199.9999, null, null)]
    [InlineData(null, 24.9999, null)]
    [InlineData(null, null, 1199.9999)]
    public void Any_promise_broken_by_a_tick_is_a_miss(double? ttft, double? tpot, double? e2e) =>
        Assert.False(Met(TinyRun.Slo(ttft, tpot, e2e)));

    [Fact]
    public void A_finished_request_without_promises_is_met() => Assert.True(Met(Slo.BestEffort));

    [Fact]
    public void One_output_token_has_no_pace_to_miss()
    {
        var run = new TinyRun().Finished(0, 10, 200, 200, output: 1, slo: TinyRun.Slo(tpot: 0)).Make();

        Assert.True(Promises.Met(run.Log, run.Workload.Requests[0].Slo, 0));
    }

    [Theory]
    [InlineData(Outcome.Rejected)]
    [InlineData(Outcome.Failed)]
    [InlineData(Outcome.Cancelled)]
    [InlineData(Outcome.Unfinished)]
    public void A_request_that_did_not_finish_is_a_miss_whatever_was_promised(Outcome outcome)
    {
        var run = new TinyRun().Lost(0, outcome).Make();

        Assert.False(Promises.Met(run.Log, Slo.BestEffort, 0));
    }

    /// <summary>First token after 200 ms, then 40 gaps of 25 ms.</summary>
    private static bool Met(Slo slo)
    {
        var run = new TinyRun().Finished(100, 150, 300, 1300, output: 41, slo: slo).Make();
        return Promises.Met(run.Log, slo, 0);
    }
}
