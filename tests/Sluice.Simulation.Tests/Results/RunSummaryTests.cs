using Sluice.Core;

namespace Sluice.Simulation.Tests;

public sealed class RunSummaryTests
{
    /// <summary>Four finish, one each is rejected, failed, cancelled and left open; the ninth never arrives.</summary>
    private static RunSummary Summary()
    {
        var chat = TinyRun.Slo(ttft: 250, tpot: 20);
        var run = new TinyRun { Classes = ["chat", "batch"], Tenants = ["a", "b"], EndMs = 4000 }
            .Finished(0, 50, 100, 300, output: 11, prompt: 10, slo: chat)
            .Finished(0, 100, 200, 500, output: 11, prompt: 20, slo: chat)
            .Finished(1000, 1000, 1300, 1300, output: 1, prompt: 30, slo: chat)
            .Finished(1000, 1400, 1400, 3000, output: 101, prompt: 40, ofClass: 1, tenant: 1, preemptions: 2)
            .Lost(2000, Outcome.Rejected, chat)
            .Lost(2000, Outcome.Failed, chat, output: 5)
            .Lost(2000, Outcome.Cancelled, ofClass: 1)
            .Lost(3900, Outcome.Unfinished, ofClass: 1, tenant: 1)
            .NeverArrived();
        run.Itl.Add(20, weight: 10);
        return RunSummary.Of(run.Make(), peakMemoryMegabytes: 64);
    }

    [Fact]
    public void Every_request_that_arrived_is_counted_once()
    {
        var all = Summary().All;

        Assert.Equal(
            (8, 4, 1, 1, 1, 1),
            (all.Requests, all.Finished, all.Rejected, all.Failed, all.Cancelled, all.Unfinished));
    }

    [Fact]
    public void Latencies_are_exact_over_finished_requests()
    {
        var all = Summary().All;

        Assert.Equal((250, 200, 400), (all.Ttft.Mean, all.Ttft.P50, all.Ttft.P99)); // 100 200 300 400
        Assert.Equal((775, 300, 2000), (all.E2e.Mean, all.E2e.P50, all.E2e.P90)); // 300 300 500 2000
        Assert.Equal((137.5, 50, 400), (all.Queue.Mean, all.Queue.P50, all.Queue.P95)); // 0 50 100 400
        Assert.Equal(3, all.Tpot.Count);
        Assert.Equal((22, 20, 30), (all.Tpot.Mean, all.Tpot.P50, all.Tpot.P90)); // 16 20 30
    }

    [Fact]
    public void Attainment_is_over_all_that_arrived_overall_and_per_class_and_tenant()
    {
        var run = Summary();

        Assert.Equal(2.0 / 8, run.All.SloAttainment); // The first, and the batch request without promises.
        Assert.Equal([1.0 / 5, 1.0 / 3], run.Classes.Select(c => c.SloAttainment));
        Assert.Equal([1.0 / 6, 1.0 / 2], run.Tenants.Select(t => t.SloAttainment));
    }

    [Fact]
    public void Rates_divide_by_the_virtual_duration()
    {
        var run = Summary();

        Assert.Equal(4 / 4.0, run.RequestsPerSecond);
        Assert.Equal(2 / 4.0, run.Goodput);
        Assert.Equal(2 / 4.0 / 4, run.GoodputPerDevice);
        Assert.Equal((11 + 101) / 4.0, run.GoodputTokensPerSecond);
        Assert.Equal((11 + 11 + 1 + 101 + 5) / 4.0, run.OutputTokensPerSecond);
        Assert.Equal(8 / 0.5, run.RequestsPerWallSecond);
    }

    [Fact]
    public void A_class_knows_its_latencies_and_the_promise_all_of_it_shares()
    {
        var run = Summary();

        Assert.Equal(3, run.Classes[0].Ttft.Count);
        Assert.Equal(300, run.Classes[0].Ttft.Max);
        Assert.Equal(400, run.Classes[1].Ttft.P50);
        Assert.Equal(TimeSpan.FromMilliseconds(250), run.Classes[0].Slo?.Ttft);
        Assert.Null(run.Tenants[0].Slo);
    }

    [Fact]
    public void Fairness_compares_tokens_served_to_tenants()
    {
        double a = 10 + 20 + 30 + 11 + 11 + 1, b = 40 + 101;

        Assert.Equal((a + b) * (a + b) / (2 * (a * a + b * b)), Summary().TenantFairness, 12);
    }

    [Fact]
    public void Normalised_latency_is_the_mean_of_seconds_per_output_token() =>
        Assert.Equal((0.3 / 11 + 0.5 / 11 + 0.3 + 2.0 / 101) / 4, Summary().All.NormalizedLatency, 12);

    [Fact]
    public void Totals_come_from_the_log_and_the_run()
    {
        var run = Summary();

        Assert.Equal((2, 77, 300), (run.Preemptions, run.Iterations, run.PrefillTokens));
        Assert.Equal("0000000000000abc", run.Fingerprint);
        Assert.Equal(20, run.Itl.P50, 1);
    }

    [Fact]
    public void A_run_in_which_nothing_finished_has_no_latencies()
    {
        var run = RunSummary.Of(new TinyRun().Lost(0, Outcome.Rejected).Make());

        Assert.True(double.IsNaN(run.All.Ttft.P99));
        Assert.Equal(0, run.All.SloAttainment);
    }

    [Fact]
    public void A_curve_never_falls_and_ends_at_the_greatest_value()
    {
        var curve = RunSummary.Of(MadeUpRun.Make(requests: 500)).All.Ttft;

        Assert.Equal(curve.Curve.Order(), curve.Curve);
        Assert.Equal(curve.Max, curve.Curve[^1]);
        Assert.True(Distribution.Grid.Count <= 300);
        Assert.Equal(Distribution.Grid.Order(), Distribution.Grid);
    }
}
