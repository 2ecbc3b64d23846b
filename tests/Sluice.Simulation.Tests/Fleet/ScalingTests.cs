using Sluice.Core;

namespace Sluice.Simulation.Tests;

/// <summary>A scheduler's wish for more or fewer engines comes true.</summary>
public sealed class ScalingTests
{
    // Ten minutes of more than one engine can serve, then ten minutes of a third of that.
    private static readonly Workload s_rushAndCalm = A.Workload(
        Enumerable.Range(0, 2400).Select(i => (A.Request(
            i, promptTokens: 100, arrivalTicks: (long)((i < 1800 ? i / 3.0 : 600 + (i - 1800)) * TimeSpan.TicksPerSecond),
            slo: new(TimeSpan.FromSeconds(20), TimeSpan.MaxValue, TimeSpan.MaxValue)), 40)));

    [Fact]
    public void Engines_join_in_a_rush_after_their_start_up_and_leave_in_the_calm_with_nothing_lost()
    {
        var (run, log) = Run(spares: 3);

        var joined = log.Where(e => e.Kind is EventKind.EngineJoined).ToArray();
        var left = log.Where(e => e.Kind is EventKind.EngineLost).ToArray();
        Assert.InRange(joined.Length, 1, 6);
        Assert.All(joined, e => Assert.InRange(e.Engine.Index, 1, 3));
        Assert.InRange(joined[0].At.Seconds, 60 + 30, 300); // A minute of lateness, and half of one to start.
        Assert.NotEmpty(left);
        Assert.All(left, e => Assert.Equal(0, e.Amount)); // It had nothing left to do.
        Assert.All(run.Log.Outcome, o => Assert.Equal(Outcome.Finished, o));
    }

    [Fact]
    public void More_engines_keep_more_promises()
    {
        var (scaled, _) = Run(spares: 3);
        var (fixedSize, none) = Run(spares: 0);

        Assert.DoesNotContain(none, e => e.Kind is EventKind.EngineJoined);
        Assert.True(
            RunSummary.Of(scaled).All.SloAttainment > RunSummary.Of(fixedSize).All.SloAttainment + 0.2,
            $"{RunSummary.Of(scaled).All.SloAttainment:P0} and {RunSummary.Of(fixedSize).All.SloAttainment:P0}");
    }

    private static (RunResult Run, IReadOnlyList<SluiceEvent> Log) Run(int spares)
    {
        var profile = A.Profile(new StepCoefficients { A = 50, B = 0.05 }, kvTokens: 20_000);
        var log = new EventLog();
        var simulator = new Simulator(s_rushAndCalm, Systems.Make("qlm"), new()
        {
            Engines = [.. Enumerable.Repeat<EngineSetup>(profile, 1 + spares)], Limits = new(SequencesMax: 4), SpareEngines = spares,
            StartUp = TimeSpan.FromSeconds(30),
        }) { Observer = log };
        for (var slices = 0; simulator.Run(100_000); slices++) Check.That(slices < 1000); // Or it goes on for ever.
        return (simulator.Result(default, []), log.Events);
    }
}
