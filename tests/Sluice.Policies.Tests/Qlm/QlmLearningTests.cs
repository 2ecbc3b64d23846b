using Sluice.Core;
using Sluice.Simulation;

namespace Sluice.Policies.Tests;

/// <summary>An engine whose speed nobody has measured: the gateway assumes that of a GPU, and may meet two cores.</summary>
public sealed class QlmLearningTests
{
    private const int Places = 2;

    /// <summary>All places are always taken, so that the engine is never offered anything that it has no room for.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(20)]
    [InlineData(0.2)]
    public void Its_speed_is_learned_while_all_its_places_are_taken(double slower)
    {
        var believed = QlmRun.Profile("m0");
        believed = believed with { Coefficients = new() { A = 20 / slower, B = 0.05 / slower, C = 0.1 / slower, D = 1e-5 / slower } };
        var told = new ModelOnEngine(
            believed.KvTokens, Places, 2048, new ClosedFormStepTime(believed), TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(10), 0,
            IsAssumed: true);

        // Each takes about 2 s, two at a time; one comes every 0.9 s, so that the queue grows all the time.
        var run = QlmRun.Of(
            QlmRun.Workload(Enumerable.Range(0, 600).Select(i => (QlmRun.Request(i * 0.9, ttft: 3600), 100))),
            QlmRun.Fleet(1), new() { Tick = TimeSpan.FromSeconds(0.5) }, sequencesMax: Places, outstandingMax: Places,
            believed: new([[told]]));

        Assert.Equal(600, run.Finished);
        Assert.InRange(run.Scheduler.Calibration.RelativeBias, -0.1, 0.1);
    }
}
