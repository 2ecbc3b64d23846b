using Sluice.Core;
using Sluice.Simulation;

namespace Sluice.Policies.Tests;

/// <summary>Small fleets and workloads for QLM, and the finished run of them.</summary>
internal sealed class QlmRun
{
    public required RunResult Result { get; init; }
    public required Qlm Scheduler { get; init; }
    public RequestLog Log => Result.Log;
    public PlanCounts Counts => Scheduler.Counts;

    /// <summary>A step of 20 ms plus 0.1 ms per decode and 0.05 ms per prompt token; 10,000 KV tokens.</summary>
    public static EngineProfile Profile(string model = "m", int kvTokens = 10_000) => new()
    {
        Name = $"{model}@test", Model = model, Device = "test",
        Coefficients = new() { A = 20, B = 0.05, C = 0.1, D = 1e-5 },
        KvBytesPerToken = 100_000, KvTokens = kvTokens, WeightGigabytes = 10, Origin = "made up for a test",
    };

    /// <summary>Engines that can run every one of some models, all with the first loaded.</summary>
    public static EngineSetup[] Fleet(int engines, int models = 1, int kvTokens = 10_000)
    {
        EngineProfile[] profiles = [.. Enumerable.Range(0, models).Select(m => Profile($"m{m}", kvTokens))];
        return [.. Enumerable.Range(0, engines).Select(_ => new EngineSetup(profiles))];
    }

    public static LoadTimes LoadTimes(double seconds) => new()
    {
        WarmSwapFixed = TimeSpan.FromSeconds(seconds), ColdStartFixed = TimeSpan.FromSeconds(seconds),
        PinnedGigabytesPerSecond = 1e9,
    };

    public static Request Request(
        double at, double ttft = double.PositiveInfinity, int prompt = 100, int cap = 1000, int model = 0, int c = 0) => new()
        {
            Id = default, Arrival = Instant.FromSeconds(at), PromptTokens = prompt, MaxOutputTokens = cap, Model = new(model),
            Class = new(c),
            Slo = double.IsFinite(ttft) ? Slo.BestEffort with { Ttft = TimeSpan.FromSeconds(ttft) } : Slo.BestEffort,
        };

    public static Workload Workload(IEnumerable<(Request Request, int Output)> requests, int models = 1)
    {
        var sorted = requests.OrderBy(r => r.Request.Arrival.Ticks).ToArray();
        return new()
        {
            Name = "test", Origin = "test",
            Requests = [.. sorted.Select((r, i) => r.Request with { Id = new(i) })],
            OutputTokens = [.. sorted.Select(r => r.Output)],
            Models = [.. Enumerable.Range(0, models).Select(m => $"m{m}")],
            Classes = ["a", "b"],
        };
    }

    public static QlmRun Of(
        Workload workload, EngineSetup[] engines, QlmOptions? options = null, int sequencesMax = 16, double loadSeconds = 10,
        IReadOnlyList<Fault>? faults = null, Func<PolicyContext, ILengthPredictor>? lengths = null, double hostKvShare = 1,
        int outstandingMax = int.MaxValue, FleetInfo? believed = null)
    {
        Qlm? scheduler = null;
        var system = new ServingSystem
        {
            Name = "qlm",
            Iteration = static _ => new RunningFirst(new()),
            Policies = context => new PolicySet(
                new AcceptAll(), lengths?.Invoke(context) ?? new OracleLength(context.TrueLength!),
                scheduler = new Qlm(options ?? new(), believed ?? context.Fleet)),
        };
        var simulator = new Simulator(workload, system, new()
        {
            Engines = engines, Limits = new(SequencesMax: sequencesMax), LoadTimes = LoadTimes(loadSeconds), Faults = faults ?? [],
            HostKvShare = hostKvShare, OutstandingMax = outstandingMax,
        });
        for (var slices = 0; simulator.Run(100_000); slices++) Check.That(slices < 1_000); // Or it would never end.
        return new() { Result = simulator.Result(TimeSpan.FromSeconds(1), []), Scheduler = scheduler! };
    }

    public double Wait(int request) => (Log.Dispatched[request] - Log.Arrival[request]) / 1e7;
    public double Ttft(int request) => (Log.FirstToken[request] - Log.Arrival[request]) / 1e7;
    public int Finished => Log.Outcome.Count(o => o == Outcome.Finished);

    /// <summary>Sum over requests of how late their first tokens were [s].</summary>
    public double Tardiness => Result.Workload.Requests
        .Where(r => r.Slo.Ttft != TimeSpan.MaxValue && Log.FirstToken[(int)r.Id.Value] >= 0)
        .Sum(r => Math.Max(0, Ttft((int)r.Id.Value) - r.Slo.Ttft.TotalSeconds));
}
