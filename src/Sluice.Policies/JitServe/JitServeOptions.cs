namespace Sluice.Policies;

public sealed record JitServeOptions
{
    /// <summary>Power of the penalty for late work; 1 is graded, 100 nearly a step.</summary>
    public double Penalty { get; init; } = 100;

    /// <summary>Steps between two selections.</summary>
    public int Interval { get; init; } = 50;

    /// <summary>Candidates per place in the batch that the window slides over [I].</summary>
    public double Candidates { get; init; } = 2;

    /// <summary>Probability with which an answer stays within its bound.</summary>
    public double Quantile { get; init; } = 0.95;

    /// <summary>Tokens between two refinements of a bound.</summary>
    public int RefineTokens { get; init; } = 50;

    /// <summary>Most sequences displaced in a step [I].</summary>
    public int SwapsMax { get; init; } = 4;

    /// <summary>Sequences so far ahead of their pace that they can skip an interval step back [I]. Off, as in the artifact: their
    /// blocks are held meanwhile, which costs more than it brings where memory is short.</summary>
    public bool IsJustInTime { get; init; }

    /// <summary>Share of host memory below which nobody is displaced, until more than twice as much is free.</summary>
    public double Watermark { get; init; } = 0.1;

    public PaceAnchor Anchor { get; init; } = PaceAnchor.Later;

    public static JitServeOptions Read(PolicySettings s) => new()
    {
        Penalty = s.Number("penalty", "power of the penalty for late work, 1 graded, 100 nearly a step", 100, 0.1, 1000),
        Interval = s.Whole("interval", "steps between two selections", 50, 1, 10_000),
        Candidates = s.Number("candidates", "candidates per place that the window slides over", 2, 1, 100),
        Quantile = s.Number("quantile", "probability with which an answer stays within its bound", 0.95, 0.5, 0.999),
        RefineTokens = s.Whole("refine-tokens", "tokens between two refinements of a bound", 50, 1, 100_000),
        SwapsMax = s.Whole("swaps-max", "most sequences displaced in a step", 4, 1, 10_000),
        IsJustInTime = s.Word("just-in-time", "who can skip an interval steps back", "no", "yes") == "yes",
        Watermark = s.Number("watermark", "share of host memory that displacing leaves", 0.1, 0, 0.4),
        Anchor = TokenDeadlines.Read(s),
    };
}
