using Sluice.Core;
using Xunit.Abstractions;

namespace Sluice.Simulation.Tests;

/// <summary>One engine that serves one request at a time is a textbook queue, and must give the textbook's numbers: mean
/// response in service times, within 2 %.</summary>
/// <remarks>A step takes 1 ms, a request 1,000 steps on average: a second. Exact values are by Pollaczek and Khinchine; those
/// of the other orders by simulation of 1.2 million jobs in Mitzenmacher and Shahout, "Queueing, Predictions, and LLMs"
/// (2025), and ours. Runs are averaged over seeds, and the standard error is printed.</remarks>
public sealed class QueueingTheoryTests(ITestOutputHelper output)
{
    private const int RequestsPerRun = 200_000;
    private const double StepsPerService = 1000;

    [Theory]
    [InlineData("vllm-v1", 0.5, false, 2.0, 2)]
    [InlineData("vllm-v1", 0.8, false, 5.0, 6)]
    [InlineData("vllm-v1", 0.5, true, 1.5, 2)]
    [InlineData("vllm-v1", 0.8, true, 3.0, 2)]
    [InlineData("sjf", 0.8, false, 2.88, 3)]
    [InlineData("srpt", 0.8, false, 2.3528, 3)]
    [InlineData("srpt length=exponential", 0.8, false, 3.1168, 3)]
    [InlineData("srpt rank=spjf length=exponential", 0.8, false, 3.36, 2)]
    [InlineData("srpt rank=pspjf length=exponential", 0.8, false, 3.17, 2)]
    [InlineData("trail c=0.8 length=oracle", 0.8, false, 2.36, 2)]
    [InlineData("trail c=0.5 length=oracle", 0.8, false, 2.43, 2)]
    [InlineData("trail c=0.8 length=exponential", 0.8, false, 3.12, 2)]
    [InlineData("trail c=0.2 length=exponential", 0.8, false, 3.175, 2)]
    [InlineData("srpt rank=one-bit threshold=1500", 0.8, false, 2.87, 2)]
    [InlineData("srpt rank=one-bit-stay threshold=1500", 0.8, false, 3.34, 2)]
    [InlineData("srpt rank=one-bit threshold=1500 length=exponential", 0.8, false, 3.43, 2)]
    [InlineData("srpt rank=one-bit-stay threshold=1500 length=exponential", 0.8, false, 3.74, 2)]
    public void Mean_response_agrees_with_theory(string line, double load, bool isDeterministic, double expected, int runs)
    {
        var means = Enumerable.Range(1, runs).Select(seed => MeanResponse(line, load, isDeterministic, (ulong)seed)).ToArray();

        var mean = means.Average();
        var error = Math.Sqrt(means.Sum(m => (m - mean) * (m - mean)) / (runs * (runs - 1.0)));
        output.WriteLine(FormattableString.Invariant(
            $"{line}, load {load}, {(isDeterministic ? "M/D/1" : "M/M/1")}: {mean:F4} ± {error:F4}, theory {expected}"));
        Assert.InRange(mean, 0.98 * expected, 1.02 * expected);
    }

    private static double MeanResponse(string line, double load, bool isDeterministic, ulong seed)
    {
        var arrivals = new Rng(seed).Fork("arrivals");
        var lengths = new Rng(seed).Fork("lengths");
        var now = 0.0;
        var workload = A.Workload(Enumerable.Range(0, RequestsPerRun).Select(i =>
        {
            now += Exponential(ref arrivals) / load;
            var steps = isDeterministic ? StepsPerService : Math.Max(1, Math.Round(StepsPerService * Exponential(ref lengths)));
            return (A.Request(i, promptTokens: 1, arrivalTicks: Instant.FromSeconds(now).Ticks), (int)steps);
        }));
        var simulator = new Simulator(workload, Systems.Make(line), new SimulationOptions
        {
            Engines = [A.Profile(kvTokens: 50_000_000)],
            Limits = new(SequencesMax: 1),
            Seed = seed,
        });
        simulator.Run();

        var log = simulator.Result(default, []).Log;
        var seconds = 0.0;
        for (var i = 0; i < log.Count; i++) seconds += (log.Ended[i] - log.Arrival[i]) / (double)TimeSpan.TicksPerSecond;
        return seconds / log.Count;
    }

    private static double Exponential(ref Rng rng) => -Math.Log(1 - rng.NextDouble());
}
