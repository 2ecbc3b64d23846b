using Sluice.Core;
using Sluice.Simulation;

namespace Sluice.Policies.Tests;

/// <summary>The acceptance tests of the card on LARRY and SAL.</summary>
public sealed class HalfFullTests
{
    [Fact]
    public void At_low_load_LARRY_is_first_come_first_served()
    {
        var load = Load(seed: 1, n: 300, perSecond: 1, longShare: 0.1);

        Assert.Equal(Run("vllm-v1", load).Fingerprint, Run("larry", load).Fingerprint);
    }

    [Fact]
    public void Under_pressure_LARRY_more_than_halves_the_mean_TTFT_and_puts_large_prompts_back_by_no_more_than_its_bound()
    {
        var load = Load(seed: 2, n: 600, perSecond: 20, longShare: 0.1);
        var (fcfs, larry) = (Run("vllm-v1", load, kvTokens: 40_000), Run("larry", load, kvTokens: 40_000));

        Assert.True(
            RunSummary.Of(larry).All.Ttft.Mean <= 0.6 * RunSummary.Of(fcfs).All.Ttft.Mean,
            $"{RunSummary.Of(larry).All.Ttft.Mean} and {RunSummary.Of(fcfs).All.Ttft.Mean} ms");
        var waits = Enumerable.Range(0, 600).Where(i => load.Requests[i].PromptTokens > 1000).Max(i => larry.Log.Started[i] - larry.Log.Arrival[i]);
        var fcfsWaits = Enumerable.Range(0, 600).Max(i => fcfs.Log.Started[i] - fcfs.Log.Arrival[i]);
        Assert.True(waits <= (1 + 2 * 8) * fcfsWaits); // cap · τ, and τ is twice the mean wait.
    }

    [Fact]
    public void In_an_overload_that_lasts_LARRY_goes_on_putting_large_prompts_back()
    {
        // Pressure is at its most from the first second on; waits grow for the whole run, and bounds with them.
        var load = Load(seed: 6, n: 3000, perSecond: 20, longShare: 0.1);

        var (fcfs, larry) = (Half(Run("vllm-v1", load, kvTokens: 40_000)), Half(Run("larry", load, kvTokens: 40_000)));

        Assert.True(larry <= 0.6 * fcfs, $"{larry} and {fcfs} s");

        // Mean wait of short prompts that arrive in the second half.
        double Half(RunResult run) => Enumerable.Range(1500, 1500).Where(i => load.Requests[i].PromptTokens < 1000)
            .Average(i => (run.Log.Started[i] - run.Log.Arrival[i]) / (double)TimeSpan.TicksPerSecond);
    }

    [Fact]
    public void SAL_evens_out_prompts_of_uneven_length_and_changes_nothing_where_they_are_equal()
    {
        var uneven = Load(seed: 3, n: 1500, perSecond: 34, longShare: 0.1);
        var equal = Load(seed: 3, n: 1500, perSecond: 120, longShare: 0);

        Assert.True(
            P99(uneven, "sal") <= 0.7 * P99(uneven, "round-robin"), $"{P99(uneven, "sal")} and {P99(uneven, "round-robin")} ms");
        Assert.InRange(P99(equal, "sal") / P99(equal, "round-robin"), 0.95, 1.05);

        static double P99(Workload load, string router) => RunSummary.Of(Run($"vllm-v1 router={router}", load, engines: 4)).All.Ttft.P99;
    }

    [Fact]
    public void SAL_sends_a_slow_engine_less()
    {
        var load = Load(seed: 4, n: 1500, perSecond: 30, longShare: 0.1);
        EngineProfile[] fleet = [Profile(1), Profile(1), Profile(1), Profile(2)];

        Assert.InRange(ShareOfLast("sal"), 0.1, 0.2); // Half of what each other gets is a seventh.
        Assert.InRange(ShareOfLast("round-robin"), 0.24, 0.26);

        double ShareOfLast(string router)
        {
            var result = Run($"vllm-v1 router={router}", load, fleet);
            var prompts = result.Log.Engine.Zip(load.Requests, (engine, request) => (engine, request.PromptTokens));
            return router == "sal"
                ? prompts.Where(p => p.engine == 3).Sum(p => (double)p.PromptTokens) / load.Requests.Sum(r => (double)r.PromptTokens)
                : result.Log.Engine.Count(e => e == 3) / 1500.0;
        }
    }

    [Fact]
    public void SAL_spreads_a_burst_between_two_reports()
    {
        var router = new TokenMemoryAware(new());
        EngineSnapshot[] engines = [.. Enumerable.Range(0, 5).Select(id => new EngineSnapshot
        {
            Id = new(id), IsReady = true, OutstandingMax = 100, FreeBlocks = 1000, TotalBlocks = 1000, BlockTokens = 16,
        })];

        for (var i = 0; i < 50; i++)
        {
            var request = A.Request(i, promptTokens: 100);
            var chosen = router.Pick(request, new ClusterView(default, engines, 0)); // The report never changes.
            router.OnSent(request, chosen, default);
            engines[chosen.Index].Outstanding++;
        }

        Assert.All(engines, engine => Assert.Equal(10, engine.Outstanding));
    }

    [Fact]
    public void Who_reserves_everything_never_gives_way_and_runs_fewer_at_once()
    {
        var load = Load(seed: 5, n: 300, perSecond: 20, longShare: 0);
        var (fcfs, reserved) = (Run("vllm-v1", load, kvTokens: 12_000), Run("no-preempt", load, kvTokens: 12_000));

        Assert.True(RunSummary.Of(fcfs).Preemptions > 0);
        Assert.Equal(0, RunSummary.Of(reserved).Preemptions);
        Assert.True(reserved.Series.Samples.Max(s => s.Running) < fcfs.Series.Samples.Max(s => s.Running));
    }

    private static EngineProfile Profile(double slow) => A.Profile(new StepCoefficients { A = 10 * slow, B = 0.1 * slow });

    /// <summary>Poisson arrivals; prompts of 200 tokens, some of 8,000; answers of 100.</summary>
    private static Workload Load(ulong seed, int n, double perSecond, double longShare)
    {
        var rng = new Rng(seed);
        var at = 0.0;
        var requests = new (Request, int)[n];
        for (var i = 0; i < n; i++)
        {
            at -= Math.Log(1 - rng.NextDouble()) / perSecond;
            var prompt = rng.NextDouble() < longShare ? 8000 : 200;
            requests[i] = (A.Request(i, prompt, arrivalTicks: (long)(at * TimeSpan.TicksPerSecond)), 100);
        }

        return A.Workload(requests);
    }

    private static RunResult Run(string line, Workload load, int engines = 1, int? kvTokens = null) =>
        Run(line, load, [.. Enumerable.Repeat(Profile(1), engines)], kvTokens);

    private static RunResult Run(string line, Workload load, EngineProfile[] fleet, int? kvTokens = null)
    {
        var options = new SimulationOptions
        {
            Engines = [.. fleet.Select(p => (EngineSetup)p)], KvTokens = kvTokens, ModelTokensMax = 1024,
        };
        var simulator = new Simulator(load, Systems.Make(line), options);
        while (simulator.Run(10_000))
        {
        }

        return simulator.Result(TimeSpan.FromSeconds(1), []);
    }
}
