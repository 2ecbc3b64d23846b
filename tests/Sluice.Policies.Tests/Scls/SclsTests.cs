using Sluice.Core;
using Sluice.Simulation;

namespace Sluice.Policies.Tests;

/// <summary>The acceptance tests of the card on SCLS.</summary>
public sealed class SclsTests
{
    private const int Engines = 8;

    [Fact]
    public void Slices_serve_an_overload_at_least_half_as_fast_again_as_whole_answers_and_each_step_helps()
    {
        var load = Load(seed: 1, n: 3000, perSecond: 300);

        var sls = Throughput("static router=round-robin", load, sequencesMax: 16);
        var sliced = Throughput("scls batches=fixed offload=round-robin", load);
        var sorted = Throughput("scls batches=sorted offload=round-robin", load);
        var optimal = Throughput("scls offload=round-robin", load);
        var balanced = Throughput("scls", load);

        var ladder = $"{sls:F2} {sliced:F2} {sorted:F2} {optimal:F2} {balanced:F2} requests/s";
        Assert.True(balanced >= 1.5 * sls, ladder);
        Assert.True(sliced > sls && sorted >= sliced * 0.98 && optimal > sorted && balanced > optimal, ladder);
    }

    [Fact]
    public void The_least_loaded_engine_first_evens_out_their_work()
    {
        var load = Load(seed: 2, n: 3000, perSecond: 300);

        Assert.True(Spread("scls") <= Spread("scls offload=round-robin") / 4, $"{Spread("scls")} and {Spread("scls offload=round-robin")}");

        double Spread(string line)
        {
            var busy = new BusyTime(Engines);
            Run(line, load, observer: busy);
            return busy.Deviation;
        }
    }

    /// <summary>How long each engine had something to do.</summary>
    private sealed class BusyTime(int engines) : IEventSink
    {
        private readonly (int Outstanding, long Since, long Ticks)[] _engines = new (int, long, long)[engines];

        /// <summary>Standard deviation over the engines [s].</summary>
        public double Deviation
        {
            get
            {
                var mean = _engines.Average(e => e.Ticks / 1e7);
                return Math.Sqrt(_engines.Average(e => Math.Pow(e.Ticks / 1e7 - mean, 2)));
            }
        }

        public void Emit(in SluiceEvent e)
        {
            if (e.Engine.Index < 0) return;
            ref var engine = ref _engines[e.Engine.Index];
            if (e.Kind is EventKind.Dispatched && engine.Outstanding++ == 0) engine.Since = e.At.Ticks;
            if (e.Kind is EventKind.Finished or EventKind.Evicted && --engine.Outstanding == 0) engine.Ticks += e.At.Ticks - engine.Since;
        }
    }

    [Fact]
    public void There_is_a_best_slice_between_the_short_and_the_long()
    {
        var load = Load(seed: 3, n: 1000, perSecond: 60);
        int[] slices = [16, 64, 128, 256, 1024];

        var runs = slices.Select(s => Run($"scls slice-tokens={s}", load)).ToArray();
        var e2e = runs.Select(r => RunSummary.Of(r).All.E2e.Mean).ToArray();

        var text = string.Join(" ", e2e.Select(e => $"{e:F0}"));
        Assert.True(e2e.Min() < e2e[0] && e2e.Min() < e2e[^1], text);
        Assert.Equal(runs.Select(r => r.PrefillTokens).OrderDescending(), runs.Select(r => r.PrefillTokens));
    }

    [Fact]
    public void An_answer_of_g_tokens_takes_g_over_S_slices()
    {
        int[] lengths = [1, 9, 10, 11, 20, 21, 95];
        var load = A.Workload(lengths.Select((g, i) => (A.Request(i, promptTokens: 20 + i), g)));

        var run = Run("scls slice-tokens=10", load, engines: 1);

        Assert.Equal(lengths.Sum(g => (g + 9) / 10 - 1), run.Evictions);
        Assert.Equal(lengths, run.Log.OutputTokens);
    }

    /// <summary>Poisson arrivals, prompts and answers lognormal up to 1024.</summary>
    private static Workload Load(ulong seed, int n, double perSecond)
    {
        var rng = new Rng(seed);
        var at = 0.0;
        var requests = new (Request, int)[n];
        for (var i = 0; i < n; i++)
        {
            at -= Math.Log(1 - rng.NextDouble()) / perSecond;
            requests[i] = (A.Request(i, Draw(5.0), 1024, (long)(at * TimeSpan.TicksPerSecond)), Draw(5.2));
        }

        return A.Workload(requests);

        int Draw(double mu) =>
            Math.Clamp((int)Math.Exp(mu + rng.NextNormal()), 1, 1024);
    }

    private static double Throughput(string line, Workload load, int sequencesMax = 256) =>
        RunSummary.Of(Run(line, load, sequencesMax: sequencesMax)).RequestsPerSecond;

    private static RunResult Run(string line, Workload load, int engines = Engines, int sequencesMax = 256, IEventSink? observer = null)
    {
        var options = new SimulationOptions
        {
            Engines = [.. Enumerable.Repeat((EngineSetup)A.Profile(A.Coefficients, kvTokens: 60_000), engines)],
            Limits = new(SequencesMax: sequencesMax),
        };
        var simulator = new Simulator(load, Systems.Make(line), options);
        simulator.Observer = observer;
        while (simulator.Run(10_000))
        {
        }

        return simulator.Result(TimeSpan.FromSeconds(1), []);
    }
}
