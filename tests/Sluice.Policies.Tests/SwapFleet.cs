using Sluice.Core;
using Sluice.Simulation;

namespace Sluice.Policies.Tests;

/// <summary>Engines that can run several models and have one loaded at a time.</summary>
internal static class SwapFleet
{
    /// <summary>Steps of 10 ms; loading a model takes 2.3 s once it is in host memory.</summary>
    public static SimulationOptions Of(int engines, int models, int sequencesMax = 8)
    {
        var profile = A.Profile(new StepCoefficients { A = 10, B = 0.05 }, kvTokens: 20_000);
        return new()
        {
            Engines = [.. Enumerable.Range(0, engines).Select(e => new EngineSetup([.. Enumerable.Repeat(profile, models)], new(e % models)))],
            Limits = new(SequencesMax: sequencesMax),
            WarmModelsMax = models,
        };
    }

    /// <summary>Requests in turn for every model, at equal distances.</summary>
    public static Workload Alternating(
        int requests, int models, double perSecond, Func<int, TimeSpan> ttft, int output = 20) =>
        A.Workload(Enumerable.Range(0, requests).Select(i => (
            A.Request(
                i, promptTokens: 100, arrivalTicks: (long)(i / perSecond * TimeSpan.TicksPerSecond), model: i % models,
                slo: new(ttft(i), TimeSpan.MaxValue, TimeSpan.MaxValue)),
            output)));

    public static RunResult Run(string line, Workload workload, SimulationOptions options)
    {
        var simulator = new Simulator(workload, Systems.Make(line), options);
        for (var slices = 0; simulator.Run(100_000); slices++) Check.That(slices < 1000); // Or it goes on for ever.
        return simulator.Result(default, []);
    }

    public static int Finished(RunResult run) => run.Log.Outcome.Count(o => o == Outcome.Finished);
}
