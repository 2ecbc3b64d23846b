namespace Sluice.Core;

/// <summary>One inference request as the scheduler sees it: sizes and promises, never text.</summary>
public sealed record Request
{
    public required RequestId Id { get; init; }
    public ModelId Model { get; init; }
    public TenantId Tenant { get; init; }
    public ClassId Class { get; init; }

    /// <summary>Smaller is served first (vLLM's polarity).</summary>
    public int Priority { get; init; }

    public Slo Slo { get; init; } = Slo.BestEffort;

    /// <summary>When the gateway took the request. <see cref="Instant.Never"/> for a later stage of a program whose
    /// earlier stage is not done.</summary>
    public required Instant Arrival { get; init; }

    public required int PromptTokens { get; init; }

    /// <summary>Upper bound set by the caller; the actual length is unknown until the request ends.</summary>
    public required int MaxOutputTokens { get; init; }

    /// <summary>Chained hashes of the prompt's full KV blocks, for the prefix cache and affinity. Empty when nothing is
    /// known of the prompt's content.</summary>
    public ReadOnlyMemory<ulong> PromptBlocks { get; init; }

    /// <summary>Null for text.</summary>
    public MediaWork? Media { get; init; }

    /// <summary>Program this request is a stage of (agent loop, tool calls), or -1.</summary>
    public int Program { get; init; } = -1;

    /// <summary>Position in its program, from 0.</summary>
    public int Stage { get; init; }

    public Instant FirstTokenDeadline => Arrival + Slo.Ttft;

    /// <summary>When the whole answer is due: <see cref="Slo.E2e"/> from arrival.</summary>
    public Instant AnswerDeadline => Arrival + Slo.E2e;

    /// <summary>When an output token is due if the answer is read from <paramref name="from"/> on at the promised pace.</summary>
    /// <param name="token">From 1, the first.</param>
    /// <param name="from">The first token's own deadline or arrival; whichever is later is the usual choice.</param>
    /// <returns><see cref="Instant.Never"/> when no pace was promised, or no beginning.</returns>
    public Instant TokenDeadline(int token, Instant from) =>
        Slo.Tpot == TimeSpan.MaxValue || from == Instant.Never ? Instant.Never : new(from.Ticks + (token - 1) * Slo.Tpot.Ticks);
}
