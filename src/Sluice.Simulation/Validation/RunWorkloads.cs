using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>One request of a measured run.</summary>
/// <param name="Prefix">Chained ids of the prompt's full blocks; equal ids, equal prefixes. Empty when not known.</param>
internal readonly record struct MeasuredRequest(double ArrivalSeconds, int PromptTokens, int OutputTokens, ulong[] Prefix);

/// <summary>Makes the workloads that repeat measured runs.</summary>
internal static class RunWorkloads
{
    public const int BlockTokens = 16;

    /// <summary>Requests in order of arrival, the first at time zero or later.</summary>
    public static Workload Of(string name, string origin, IReadOnlyList<MeasuredRequest> requests)
    {
        var sorted = requests.OrderBy(r => r.ArrivalSeconds).ToArray(); // Stable: ties in input order.
        return new Workload
        {
            Name = name,
            Origin = origin,
            Requests = [.. sorted.Select((r, i) => Make(i, Instant.FromSeconds(r.ArrivalSeconds), r))],
            OutputTokens = [.. sorted.Select(r => r.OutputTokens)],
            PrefixBlockTokens = sorted.Any(r => r.Prefix.Length > 0) ? BlockTokens : 0,
        };
    }

    /// <summary>So many clients, each sending its next request as soon as the last is answered.</summary>
    public static Workload ClosedLoop(string name, string origin, int clients, int perClient, int promptTokens, int outputTokens)
    {
        var shape = new MeasuredRequest(0, promptTokens, outputTokens, []);
        var count = clients * perClient;
        return new Workload
        {
            Name = name,
            Origin = origin,
            Requests = [.. Enumerable.Range(0, count).Select(i => Make(i, i < clients ? new Instant(0) : Instant.Never, shape))],
            OutputTokens = [.. Enumerable.Repeat(outputTokens, count)],
            FollowUps = Enumerable.Range(0, count - clients)
                .ToDictionary(i => i, i => new FollowUp[] { new(i + clients, TimeSpan.Zero) }),
        };
    }

    /// <summary>Ids of the blocks of a prompt that shares nothing with other prompts.</summary>
    public static ulong[] DistinctPrefix(int prompt, int promptTokens)
    {
        var rng = new Rng((ulong)prompt).Fork("prompt");
        return [.. Enumerable.Range(0, promptTokens / BlockTokens).Select(_ => rng.NextUInt64())];
    }

    private static Request Make(int id, Instant arrival, MeasuredRequest r) => new()
    {
        Id = new(id),
        Arrival = arrival,
        PromptTokens = r.PromptTokens,
        MaxOutputTokens = r.OutputTokens,
        PromptBlocks = r.Prefix,
    };
}
