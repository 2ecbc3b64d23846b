using Sluice.Core;
using Sluice.Policies;
using Sluice.Simulation;

namespace Sluice.Testing;

/// <summary>Builders: a case states only what matters to it.</summary>
public static class A
{
    public static Request Request(
        int id = 0, int promptTokens = 10, int maxOutputTokens = 100, long arrivalTicks = 0, int priority = 0,
        ReadOnlyMemory<ulong> promptBlocks = default, MediaWork? media = null, Slo? slo = null, int model = 0) =>
        new()
        {
            Id = new(id),
            Model = new(model),
            Arrival = new(arrivalTicks),
            PromptTokens = promptTokens,
            MaxOutputTokens = maxOutputTokens,
            Priority = priority,
            PromptBlocks = promptBlocks,
            Media = media,
            Slo = slo ?? Slo.BestEffort,
        };

    /// <summary>Requests as they stand, with their true output lengths.</summary>
    public static Workload Workload(
        IEnumerable<(Request Request, int OutputTokens)> requests, IReadOnlyDictionary<int, FollowUp[]>? followUps = null)
    {
        (Request Request, int OutputTokens)[] all = [.. requests];
        return new()
        {
            Name = "test",
            Origin = "made up by a test",
            Requests = [.. all.Select(r => r.Request)],
            OutputTokens = [.. all.Select(r => r.OutputTokens)],
            FollowUps = followUps,
            PrefixBlockTokens = 16,
        };
    }

    /// <summary>An engine whose answers reach the caller at once. Without coefficients, a step takes 1 ms whatever is in
    /// it.</summary>
    public static EngineProfile Profile(
        StepCoefficients? coefficients = null, int kvTokens = 100_000, double extraIterations = 0, double apiMilliseconds = 0) =>
        new()
        {
            Name = "test",
            Model = "test",
            Device = "test",
            Coefficients = coefficients ?? new StepCoefficients { A = 1 },
            KvBytesPerToken = 131_072,
            KvTokens = kvTokens,
            WeightGigabytes = 16,
            FirstTokenExtraIterations = extraIterations,
            ApiOverheadMilliseconds = apiMilliseconds,
            Origin = "made up by a test",
        };

    /// <summary>All terms of the step time, in the proportions of an 8B model on one GPU.</summary>
    public static StepCoefficients Coefficients { get; } = new()
    {
        A = 5.83, B = 0.0417, C = 0.0231, D = 0.0000713, E = 0.0000019, G = 0.0011, N0 = 200, M = 0.0000217, H = 0.37,
    };

    /// <summary>A system of the catalog.</summary>
    /// <param name="settings">As on the command line: <c>kv=paged</c>.</param>
    public static ServingSystem System(string name, params IEnumerable<string> settings) =>
        Catalog.Make(name, Settings(settings));

    public static PolicySettings Settings(params IEnumerable<string> settings) =>
        new(settings.Select(s => s.Split('=')).ToDictionary(s => s[0], s => s[1]));
}
