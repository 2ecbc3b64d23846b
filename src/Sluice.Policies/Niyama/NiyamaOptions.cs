using Sluice.Core;

namespace Sluice.Policies;

/// <summary>What prompts are ordered by.</summary>
public enum PromptOrder
{
    /// <summary>Deadline plus alpha times the work left.</summary>
    Hybrid,

    /// <summary>Arrival.</summary>
    FirstCome,
}

public sealed record NiyamaOptions
{
    public PromptOrder Order { get; init; } = PromptOrder.Hybrid;

    /// <summary>Weight of a token of work left at low load [s], 0 to 1. 0 is earliest deadline first, 1 is shortest prompt
    /// first.</summary>
    public double AlphaLow { get; init; } = 0.001;

    /// <summary>The same at high load.</summary>
    public double AlphaHigh { get; init; } = 0.008;

    /// <summary>Most tokens of a step whose length follows from the slack of the decodes; above it throughput is
    /// flat.</summary>
    public int ChunkMax { get; init; } = 2552;

    /// <summary>Tokens of every step, decodes included; 0 to follow the slack.</summary>
    public int Chunk { get; init; }

    /// <summary>What a predicted step time is multiplied with before it is held against the slack.</summary>
    public double Safety { get; init; } = 1.2;

    public bool Relegates { get; init; } = true;

    /// <summary>Requests of <see cref="Request.Priority"/> above 0 are relegated before any other would be late.</summary>
    public bool TakesHints { get; init; } = true;

    public PaceAnchor Anchor { get; init; } = PaceAnchor.Later;

    /// <summary>Pace of answers that were promised an end only [s per token].</summary>
    public double BatchPace { get; init; } = 0.4;

    /// <summary>Standard deviations added to the mean of predicted lengths.</summary>
    public double Deviations { get; init; } = 2;

    /// <summary>Prompt tokens per second before any were seen.</summary>
    public double FirstRate { get; init; } = 8500;

    /// <summary>KV tokens free below which chunks end at 512, but at most a quarter of all.</summary>
    public int KvLowTokens { get; init; } = 32_000;

    public static NiyamaOptions Read(PolicySettings s) => new()
    {
        Order = s.Word("priority", "what prompts are ordered by", "hybrid", "fcfs") == "fcfs" ? PromptOrder.FirstCome : PromptOrder.Hybrid,
        AlphaLow = s.Number("alpha-low", "weight of work left at low load [ms per token], 0 is EDF", 1, 0, 1000) / 1000,
        AlphaHigh = s.Number("alpha-high", "the same at high load; 1000 is shortest prompt first", 8, 0, 1000) / 1000,
        ChunkMax = s.Whole("chunk-max", "most tokens of a step that follows the slack", 2552, 128, 1 << 20),
        Chunk = s.Whole("chunk", "tokens of every step, 0 to follow the slack", 0, 0, 1 << 20),
        Safety = s.Number("safety", "factor on predicted step times", 1.2, 1, 10),
        Relegates = s.Word("relegate", "requests that would be late step back", "yes", "no") == "yes",
        TakesHints = s.Word("hints", "priority above 0 steps back first", "yes", "no") == "yes",
        Anchor = TokenDeadlines.Read(s),
        BatchPace = s.Number("batch-pace", "pace of answers promised an end only [s per token]", 0.4, 0.001, 100),
        Deviations = s.Number("deviations", "standard deviations added to predicted lengths", 2, 0, 10),
    };
}
