using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>A later stage of a program: it arrives when every stage it waits for has been answered and the tool it calls
/// has run.</summary>
/// <param name="Request">Index of the later request in <see cref="Workload.Requests"/>; its arrival is
/// <see cref="Instant.Never"/> until then.</param>
/// <param name="ToolDelay">From the last token of the stage it follows to its own arrival.</param>
public readonly record struct FollowUp(int Request, TimeSpan ToolDelay);

/// <summary>What is thrown at a fleet: requests in order of arrival, and the truth about them that only the simulator may
/// look at.</summary>
public sealed record Workload
{
    /// <summary>Short, for tables and file names: <c>azure2023_conv</c>, <c>poisson 2/s 512/128</c>.</summary>
    public required string Name { get; init; }

    /// <summary>Where the numbers come from, in a sentence for reports.</summary>
    public required string Origin { get; init; }

    /// <summary>Sorted by arrival, ties in input order; <c>Requests[i].Id.Value == i</c>. Later stages of programs stand at
    /// the end with arrival <see cref="Instant.Never"/>.</summary>
    public required Request[] Requests { get; init; }

    /// <summary>True output length of each request, at least 1 token. Same length as <see cref="Requests"/>.</summary>
    public required int[] OutputTokens { get; init; }

    /// <summary>Names by <see cref="ModelId"/>; never empty.</summary>
    public IReadOnlyList<string> Models { get; init; } = ["default"];

    /// <summary>Names by <see cref="TenantId"/>; never empty.</summary>
    public IReadOnlyList<string> Tenants { get; init; } = ["default"];

    /// <summary>Names by <see cref="ClassId"/>; never empty.</summary>
    public IReadOnlyList<string> Classes { get; init; } = ["default"];

    /// <summary>Later stages released when the request with the key's index is answered. Null when there are no
    /// programs.</summary>
    public IReadOnlyDictionary<int, FollowUp[]>? FollowUps { get; init; }

    /// <summary>Tools that answers call in their middle, in order, by index of the request. Null when nobody calls any.</summary>
    public IReadOnlyDictionary<int, ToolCall[]>? Calls { get; init; }

    /// <summary>Tokens covered by one entry of <see cref="Request.PromptBlocks"/>; 0 when no request has any.</summary>
    public int PrefixBlockTokens { get; init; }
}
