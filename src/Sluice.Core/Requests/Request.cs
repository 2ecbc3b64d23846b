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
}
