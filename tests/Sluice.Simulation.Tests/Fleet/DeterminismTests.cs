using System.Globalization;
using System.Runtime.CompilerServices;
using Sluice.Core;

namespace Sluice.Simulation.Tests;

/// <summary>Same workload, options and seed: same events, on any thread and any day.</summary>
public sealed class DeterminismTests
{
    private const string Regenerate = "SLUICE_WRITE_GOLDEN=1 dotnet test tests/Sluice.Simulation.Tests --filter Golden";

    private static readonly string[] s_systems =
        ["vllm-v1", "vllm-v0", "vllm-v0 preemption=swap", "sarathi", "orca", "static", "edf", "sjf", "srpt"];

    private static readonly string[] s_workloads = ["steady", "overload", "programs"];

    public static TheoryData<string> Every => [.. Systems.Lines];

    [Theory, MemberData(nameof(Every))]
    public void Two_runs_with_one_seed_leave_the_same_fingerprint(string line)
    {
        for (var seed = 1UL; seed <= 3; seed++) Assert.Equal(Fingerprint(line, "overload", seed), Fingerprint(line, "overload", seed));
    }

    [Fact]
    public void Another_seed_leaves_another_fingerprint()
    {
        Assert.NotEqual(Fingerprint("vllm-v1", "steady", 1), Fingerprint("vllm-v1", "steady", 2));
    }

    [Fact]
    public void Runs_side_by_side_on_two_threads_do_not_disturb_each_other()
    {
        (string System, string Workload)[] cases = [.. s_systems.SelectMany(s => s_workloads.Select(w => (s, w)))];
        var alone = cases.Select(c => Fingerprint(c.System, c.Workload, 1)).ToArray();
        var together = new ulong[cases.Length];

        Parallel.For(0, cases.Length, new ParallelOptions { MaxDegreeOfParallelism = 2 },
            i => together[i] = Fingerprint(cases[i].System, cases[i].Workload, 1));

        Assert.Equal(alone, together);
    }

    /// <summary>One line per case in fingerprints.txt. A change of it says whose behaviour a commit changes.</summary>
    [Fact]
    public void Golden_fingerprints_still_hold()
    {
        var fresh =
            from system in s_systems
            from workload in s_workloads
            select string.Create(
                CultureInfo.InvariantCulture, $"{system.Replace(' ', ',')} {workload} 7 {Fingerprint(system, workload, 7):x16}");

        var path = GoldenFile();
        if (Environment.GetEnvironmentVariable("SLUICE_WRITE_GOLDEN") == "1") File.WriteAllLines(path, fresh);

        var changed = fresh.Except(File.ReadAllLines(path)).ToArray();
        Assert.True(changed.Length == 0,
            $"These runs have changed:\n{string.Join('\n', changed)}\nIf that is meant, run\n  {Regenerate}\nand commit the file.");
        Assert.Equal(fresh.Count(), File.ReadAllLines(path).Length);
    }

    private static string GoldenFile([CallerFilePath] string here = "") =>
        Path.Combine(Path.GetDirectoryName(here)!, "fingerprints.txt");

    private static ulong Fingerprint(string line, string workload, ulong seed)
    {
        var rng = new Rng(seed).Fork(workload);
        var (load, kvTokens) = workload switch
        {
            "steady" => (Stream(ref rng, 300, meanMilliseconds: 60), 50_000),
            "overload" => (Stream(ref rng, 300, meanMilliseconds: 15), 6_000),
            _ => (Programs(ref rng), 20_000),
        };
        var simulator = new Simulator(load, Systems.Make(line), new SimulationOptions
        {
            Engines = [.. Enumerable.Repeat<EngineSetup>(A.Profile(A.Coefficients, extraIterations: 1.3, apiMilliseconds: 4), 2)],
            Limits = new(TokenBudget: 512, SequencesMax: 64),
            KvTokens = kvTokens,
            ModelTokensMax = 500,
            Seed = seed,
        });
        simulator.Run();
        return simulator.Result(default, []).Fingerprint;
    }

    /// <summary>Integers only: a logarithm may differ between platforms.</summary>
    private static Workload Stream(ref Rng rng, int requests, int meanMilliseconds)
    {
        var made = new List<(Request, int)>();
        var ticks = 0L;
        for (var i = 0; i < requests; i++)
        {
            ticks += rng.Next(2 * meanMilliseconds * (int)TimeSpan.TicksPerMillisecond);
            made.Add(RandomRequest(ref rng, i, ticks));
        }

        return A.Workload(made);
    }

    private static Workload Programs(ref Rng rng)
    {
        var made = new List<(Request, int)>();
        for (var i = 0; i < 100; i++) made.Add(RandomRequest(ref rng, i, i / 20 * TimeSpan.TicksPerSecond)); // Bursts of 20.
        var followUps = new Dictionary<int, FollowUp[]>();
        for (var i = 0; i < 100; i += 2)
        {
            var (request, output) = RandomRequest(ref rng, made.Count, 0);
            followUps[i] = [new(made.Count, TimeSpan.FromMilliseconds(rng.Next(100)))];
            made.Add((request with { Arrival = Instant.Never }, output));
        }

        return A.Workload(made, followUps);
    }

    private static (Request Request, int OutputTokens) RandomRequest(ref Rng rng, int id, long ticks) =>
        (A.Request(
            id, promptTokens: 1 + rng.Next(800), maxOutputTokens: 400, ticks,
            slo: new(TimeSpan.FromMilliseconds(100 + rng.Next(5000)), TimeSpan.MaxValue, TimeSpan.MaxValue)), 1 + rng.Next(300));
}
