using Sluice.Core;

namespace Sluice.Simulation.Tests;

/// <summary>Once warm, an event costs no memory: dispatcher, engines, events and records together.</summary>
/// <remarks>A run is a short workload over and over, with breaks in which everything drains; what one round did not have to
/// grow, no later one has to. The time series has its memory from the beginning.</remarks>
public sealed class AllocationTests
{
    private const int Rounds = 40;
    private const int RequestsPerRound = 60;

    public static TheoryData<string> Every => [.. Systems.Names, "vllm-v0 preemption=swap", "vllm-v1 kv=prefix-cache", "vllm-v1 router=least-kv"];

    [Theory, MemberData(nameof(Every))]
    public void The_second_half_of_a_run_allocates_nothing(string line)
    {
        var simulator = new Simulator(Workload(), Systems.Make(line), new SimulationOptions
        {
            Engines = [A.Profile(A.Coefficients), A.Profile(A.Coefficients)],
            Limits = new(TokenBudget: 512, SequencesMax: 32),
            KvTokens = 4096,
            OutstandingMax = 24,
        });
        while (simulator.Ended < Rounds / 2 * RequestsPerRound) simulator.Run(events: 64);

        var before = GC.GetAllocatedBytesForCurrentThread();
        while (simulator.Ended < (Rounds - 1) * RequestsPerRound) simulator.Run(events: 64);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.Equal(0, allocated);
    }

    private static Workload Workload()
    {
        var round = new List<(int Milliseconds, int Prompt, int Output)>();
        var rng = new Rng(3);
        for (var i = 0; i < RequestsPerRound; i++) round.Add((rng.Next(500), 1 + rng.Next(400), 1 + rng.Next(200)));
        round.Sort();
        return A.Workload(Enumerable.Range(0, Rounds).SelectMany(r => round.Select((q, i) =>
            (A.Request(r * RequestsPerRound + i, q.Prompt, arrivalTicks: (r * 60_000L + q.Milliseconds) * TimeSpan.TicksPerMillisecond),
                q.Output))));
    }
}
