using Sluice.Core;

namespace Sluice.Simulation.Tests;

/// <summary>Many steps taken at once must leave what the same steps taken one by one leave.</summary>
/// <remarks>More cases: see <see cref="Cases"/>.</remarks>
public sealed class SkippedStepsTests
{
    /// <summary>A system that is not stable takes every step singly anyway.</summary>
    public static TheoryData<string> Every => [.. Systems.Lines.Where(line => Systems.Make(line).Iteration().IsStable)];

    [Theory, MemberData(nameof(Every))]
    public void Steps_skipped_are_steps_taken(string line)
    {
        for (var seed = Cases.FirstSeed; seed < Cases.FirstSeed + (ulong)Cases.Count(16); seed++) AssertSame(line, seed);
    }

    [Fact]
    public void A_scheduler_that_wrongly_says_it_is_stable_is_caught()
    {
        var caught = 0;
        for (var seed = 1UL; seed <= 40; seed++)
        {
            var traffic = Traffic.Random(seed);
            traffic = traffic with { Options = traffic.Options with { KvTokens = null, Limits = new() } }; // Room to pause.
            var system = Systems.Make("vllm-v1") with { Iteration = static _ => new Fickle() };
            if (Difference(traffic, system) is not null) caught++;
        }

        Assert.True(caught >= 5, $"caught by {caught} of 40 seeds");
    }

    private static void AssertSame(string line, ulong seed)
    {
        var traffic = Traffic.Random(seed);
        var rng = new Rng(seed).Fork(line);
        var system = Systems.Make(line, Systems.OuterStages(ref rng));
        string? difference;
        try
        {
            difference = Difference(traffic, system);
        }
        catch (InvariantException e)
        {
            difference = e.ToString();
        }

        Assert.True(difference is null, $"{system.Name}, seed {seed}: {difference}");
    }

    private static string? Difference(Traffic traffic, ServingSystem system)
    {
        var options = traffic.Options;
        var skipping = new Watched(traffic.Workload, system, options with { Limits = options.Limits with { SkipStableSteps = true } });
        var stepping = new Watched(traffic.Workload, system, options with { Limits = options.Limits with { SkipStableSteps = false } });
        var events = skipping.Events.Events.Zip(stepping.Events.Events).FirstOrDefault(pair => pair.First != pair.Second);
        if (events != default) return $"skipping: {events.First}, stepping: {events.Second}";

        var (a, b) = (skipping.Result, stepping.Result);
        if (!skipping.IsDone || !stepping.IsDone) return "does not end";
        if (a.Fingerprint != b.Fingerprint) return "fingerprints differ";
        if (a.Iterations != b.Iterations) return $"{a.Iterations} and {b.Iterations} iterations";
        if (a.PrefillTokens != b.PrefillTokens) return $"{a.PrefillTokens} and {b.PrefillTokens} prefill tokens";
        if (Columns(a.Log).Zip(Columns(b.Log)).Any(c => c.First != c.Second)) return "logs differ";
        return Difference(a.ItlMilliseconds, b.ItlMilliseconds);
    }

    private static string? Difference(LogHistogram a, LogHistogram b)
    {
        if (a.Count != b.Count) return $"{a.Count} and {b.Count} token gaps";
        if (a.Count == 0) return null;
        if ((a.Min, a.Max) != (b.Min, b.Max)) return $"token gaps {a.Min} to {a.Max}, and {b.Min} to {b.Max}";
        if (Math.Abs(a.Mean - b.Mean) > 1e-9 * b.Mean) return $"mean token gaps {a.Mean} and {b.Mean}";
        for (var q = 0; q <= 1000; q++)
            if (a.Quantile(q / 1000.0) != b.Quantile(q / 1000.0)) return $"token gaps differ at quantile {q / 1000.0}";
        return null;
    }

    private static IEnumerable<string> Columns(RequestLog log) =>
    [
        .. new[] { log.Arrival, log.Dispatched, log.Started, log.FirstToken, log.Ended, log.LagTicks }.Select(c => string.Join(',', c)),
        string.Join(',', log.OutputTokens), string.Join(',', log.CachedPromptTokens), string.Join(',', log.Engine),
        string.Join(',', log.Preemptions), string.Join(',', log.Outcome),
    ];

    /// <summary>Pauses its first decode in every third step, and says it would always decide the same.</summary>
    private sealed class Fickle : IIterationScheduler
    {
        private readonly IIterationScheduler _inner = A.System("vllm-v1").Iteration();
        private int _paused = -1;
        private int _steps;

        public bool IsStable => true;

        public void Compose(Step step)
        {
            if (_paused >= 0 && step[_paused].Phase is SequencePhase.Paused) step.Resume(_paused);
            _paused = -1;
            if (_steps++ % 3 == 2 && step.Decoding > 1 && step[step.FirstRunning].Phase is SequencePhase.Decoding)
                step.Pause(_paused = step.FirstRunning);
            _inner.Compose(step);
        }
    }
}
