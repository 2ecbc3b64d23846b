using Sluice.Core;
using Sluice.Simulation;

namespace Sluice.Policies.Tests;

/// <summary>Plans carried out by engines.</summary>
public sealed class SaSloTests
{
    private static readonly Slo s_code = Slo.BestEffort with { E2e = TimeSpan.FromSeconds(30) };
    private static readonly Slo s_chat = new(TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(0.05), TimeSpan.MaxValue);

    [Theory, InlineData("cap"), InlineData("wait")]
    public void A_pool_under_pressure_keeps_more_promises_than_first_come(string batches)
    {
        var (first, annealed) = (0, 0);
        for (var seed = 1UL; seed <= 5; seed++)
        {
            var load = Load(seed, 40);
            first += Kept("vllm-v1", load, sequencesMax: 2);
            annealed += Kept($"sa-slo batch-size=2 length=noisy length-sigma=0.25 batches={batches}", load, sequencesMax: 2);
        }

        Assert.True(annealed > first, $"{annealed} and {first} of 200");
    }

    [Fact]
    public void Lengths_that_are_half_as_wrong_again_leave_it_no_worse_than_first_come()
    {
        var (first, annealed) = (0, 0);
        for (var seed = 11UL; seed <= 15; seed++)
        {
            var load = Load(seed, 40);
            first += Kept("vllm-v1", load, sequencesMax: 2);
            annealed += Kept("sa-slo batch-size=2 length=noisy length-sigma=0.5", load, sequencesMax: 2);
        }

        Assert.True(annealed >= first, $"{annealed} and {first} of 200");
    }

    [Fact]
    public void Requests_are_spread_over_engines_by_the_memory_they_need()
    {
        var load = A.Workload(Enumerable.Range(0, 40).Select(i => (A.Request(i, i % 2 == 0 ? 1000 : 10), 50)));
        var tokens = new long[2];

        Run("sa-slo", load, sequencesMax: 8, engines: 2, new Counter(tokens));

        Assert.InRange(tokens[0] / (double)tokens.Sum(), 0.45, 0.55);
    }

    [Theory, InlineData("sa-slo batch-size=3"), InlineData("sa-slo batch-size=3 batches=wait")]
    public void An_engine_never_holds_more_than_the_largest_batch(string line)
    {
        var most = new MostHeld();

        Run(line, Load(3, 60), sequencesMax: 16, engines: 1, most);

        Assert.Equal(3, most.Held);
    }

    /// <summary>Twice what the engine can do, for ten minutes; one request, among the first, can never keep its promise.</summary>
    [Fact]
    public void Who_cannot_be_kept_in_time_goes_after_the_age_cap_however_many_others_can()
    {
        const int late = 200;
        var lengths = new Rng(21);
        var load = A.Workload(Enumerable.Range(0, 4000).Select(i => (
            A.Request(
                i, 20 + lengths.Next(200), 1000, i * TimeSpan.TicksPerSecond / 7,
                slo: i == late ? s_chat with { Ttft = TimeSpan.FromTicks(1) } : s_code),
            50 + lengths.Next(100))).ToArray());

        var (capped, never) = (Wait("sa-slo batch-size=2 trials=2 age-cap=60"), Wait("sa-slo batch-size=2 trials=2 age-cap=0"));

        Assert.InRange(capped, 0, 90);
        Assert.True(never > 300, $"{never} s");

        double Wait(string line)
        {
            var log = Run(line, load, sequencesMax: 2, engines: 1).Log;
            return (log.FirstToken[late] - log.Arrival[late]) / 1e7;
        }
    }

    /// <summary>Half code and half chat, all there at once: pools as in the paper.</summary>
    private static Workload Load(ulong seed, int count)
    {
        var rng = new Rng(seed);
        return A.Workload(Enumerable.Range(0, count).Select(i => (
            A.Request(i, 20 + rng.Next(600), 1000, slo: i % 2 == 0 ? s_code : s_chat), 50 + rng.Next(500))).ToArray());
    }

    private static int Kept(string line, Workload load, int sequencesMax)
    {
        var all = RunSummary.Of(Run(line, load, sequencesMax, engines: 1)).All;
        return (int)all.Met;
    }

    private static RunResult Run(string line, Workload load, int sequencesMax, int engines, IEventSink? observer = null)
    {
        var options = new SimulationOptions
        {
            Engines = [.. Enumerable.Repeat((EngineSetup)A.Profile(A.Coefficients), engines)],
            Limits = new(SequencesMax: sequencesMax),
        };
        var simulator = new Simulator(load, Systems.Make(line), options);
        simulator.Observer = observer;
        while (simulator.Run(10_000))
        {
        }

        return simulator.Result(TimeSpan.FromSeconds(1), []);
    }

    private sealed class Counter(long[] tokens) : IEventSink
    {
        public void Emit(in SluiceEvent e)
        {
            if (e.Kind is EventKind.Dispatched) tokens[e.Engine.Index] += e.Amount;
        }
    }

    private sealed class MostHeld : IEventSink
    {
        private int _held;

        public int Held { get; private set; }

        public void Emit(in SluiceEvent e)
        {
            if (e.Kind is EventKind.Dispatched) Held = Math.Max(Held, ++_held);
            if (e.Kind is EventKind.Finished) _held--;
        }
    }
}
