using System.Globalization;
using Sluice.Core;
using Sluice.Simulation;

namespace Sluice.Cli;

/// <summary>QoServe's main set-up: Llama3-8B on one A100-80GB, traffic like Azure's code trace, three classes of service.</summary>
/// <remarks>Step times are the paper's predictor, fitted to its own profile; lengths are log-normal through its p50 and p90. Nothing
/// here was fitted to a result.</remarks>
internal static class NiyamaSetup
{
    /// <summary>Longest prompt of the public trace [tokens].</summary>
    private const int PromptMax = 7437;

    public const string EqualShares = "q1:1,ttft=6s,tpot=50ms;q2:1,e2e=10m;q3:1,e2e=30m";

    /// <summary>32 decodes at 2K take 25 ms, with a chunk of 224 beside them 44 ms, a prompt of 2,552 tokens alone 249 ms; the
    /// paper's predictor says 25, 45 and 250.</summary>
    public static EngineProfile Profile { get; } = ProfileCatalog.Find("llama-3.1-8b@a100") with
    {
        Name = "llama3-8b@a100, QoServe's predictor",
        Coefficients = new() { A = 14.936, B = 0.0813, C = 0.0952, D = 1.111e-4, E = 1.5e-6, G = 0.0106, N0 = 512 },
        FirstTokenExtraIterations = 0,
        ApiOverheadMilliseconds = 0,
        SeenRuns = [],
        Origin = "step times from QoServe's artifact (ASPLOS 2026)",
    };

    public static Contender Fcfs { get; } = new("Sarathi-FCFS", "niyama", "priority=fcfs", "chunk=256", "relegate=no");
    public static Contender Edf { get; } = new("Sarathi-EDF", "niyama", "alpha-low=0", "alpha-high=0", "chunk=256", "relegate=no");
    public static Contender Srpf { get; } = new("Sarathi-SRPF", "niyama", "alpha-low=1000", "alpha-high=1000", "chunk=256", "relegate=no");
    public static Contender WithChunks { get; } = new("EDF + dynamic chunks", "niyama", "alpha-low=0", "alpha-high=0", "relegate=no");
    public static Contender WithRelegation { get; } = new("… + eager relegation", "niyama", "alpha-low=0", "alpha-high=0");
    public static Contender QoServe { get; } = new("QoServe", "niyama");

    /// <summary>A silo for one class: Sarathi with chunks of 2K, for classes without a pace.</summary>
    public static Contender BatchSilo { get; } = new("silo", "niyama", "priority=fcfs", "chunk=2048", "relegate=no");

    public static SimulationOptions Options(int engines = 1) => new()
    {
        Engines = [.. Enumerable.Repeat<EngineSetup>(Profile, engines)],
        Limits = new(TokenBudget: 2552, SequencesMax: 256),
        Reader = new() { TokensPerSecond = 20 }, // The pace of Q1, so that its late tokens are counted exactly.
    };

    public static PoissonLoad Load(ReproductionContext context, string name, int requests, string slo) => new(
        name, "prompt=lognormal(1930,0.917),output=lognormal(8,1.312)", requests, context.Seed,
        static (prompt, output) => (Math.Min(prompt, PromptMax), Math.Min(output, 1024)), slo);

    /// <summary>Q1: every token by its deadline, which is counted from the first token's deadline. Others: the answer in
    /// time.</summary>
    public static bool IsKept(RunResult run, int i)
    {
        var slo = run.Workload.Requests[i].Slo;
        if (run.Log.Outcome[i] != Outcome.Finished) return false;
        return slo.Ttft == TimeSpan.MaxValue
            ? run.Log.Ended[i] - run.Log.Arrival[i] <= slo.E2e.Ticks
            : run.Log.LagTicks[i] <= 0;
    }

    public static PromiseTrials Trials(PoissonLoad load, TimeSpan duration, int engines = 1) => new(load, duration, Options(engines),
        IsKept);
}
