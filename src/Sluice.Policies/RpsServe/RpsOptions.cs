namespace Sluice.Policies;

/// <summary>What requests are ordered by.</summary>
public enum RpsOrder
{
    /// <summary>Offset of the class and age.</summary>
    Score,

    /// <summary>Age alone, at the class's rate.</summary>
    WaitOnly,

    /// <summary>Class, then arrival.</summary>
    Class,
}

/// <summary>How a class ages: offset + 1 − exp(−rate · boost · age^exponent), age in seconds.</summary>
public readonly record struct Ageing(double Exponent, double Rate, double Offset);

public sealed record RpsOptions
{
    public RpsOrder Order { get; init; } = RpsOrder.Score;
    public SizeRule Rule { get; init; } = SizeRule.Smart;

    /// <summary>Constants of the estimator.</summary>
    public PrefillEstimate Estimate { get; init; } = PrefillEstimate.Models[0].Estimate;

    /// <summary>Age [s] from which pebbles and rocks go first; 0 for never. Sand needs none: nothing else outscores old sand.</summary>
    public double AgeCap { get; init; } = 600;

    /// <summary>Who runs and is reached when the tokens of a step are used up keeps its blocks and skips the step; else it
    /// recomputes, as in the artifact.</summary>
    public bool KeepsBlocks { get; init; } = true;

    public Ageing Sand { get; init; } = new(3.5, 0.05, 0.10);
    public Ageing Pebbles { get; init; } = new(2.5, 0.003, 0.05);
    public Ageing Rocks { get; init; } = new(1.1, 0.00075, 0);

    public static RpsOptions Read(PolicySettings s)
    {
        var byDefault = new RpsOptions();
        var model = s.Word("estimator", "whose prefill constants", [.. PrefillEstimate.Models.Select(m => m.Name)]);
        return new()
        {
            Order = s.Word("policy", "what goes first", "rps", "catfcfs", "wait-only") switch
            {
                "catfcfs" => RpsOrder.Class,
                "wait-only" => RpsOrder.WaitOnly,
                _ => RpsOrder.Score,
            },
            Rule = s.Word("classifier", "what the class follows from", "smart", "naive", "dummy") switch
            {
                "naive" => SizeRule.Naive,
                "dummy" => SizeRule.Dummy,
                _ => SizeRule.Smart,
            },
            Estimate = PrefillEstimate.Models.First(m => m.Name == model).Estimate,
            AgeCap = s.Number("age-cap", "age from which pebbles and rocks go first [s], 0 for never", byDefault.AgeCap, 0, 1e6),
            KeepsBlocks = s.Word("passed-over", "KV of a running request that the step has no tokens for", "keep", "recompute") == "keep",
            Sand = Class(s, "sand", byDefault.Sand),
            Pebbles = Class(s, "pebbles", byDefault.Pebbles),
            Rocks = Class(s, "rocks", byDefault.Rocks),
        };
    }

    private static Ageing Class(PolicySettings s, string name, Ageing byDefault) => new(
        s.Number($"{name}-exponent", $"how the age of {name} counts", byDefault.Exponent, 0, 10),
        s.Number($"{name}-rate", $"how fast {name} age", byDefault.Rate, 0, 1000),
        s.Number($"{name}-offset", $"where {name} begin", byDefault.Offset, 0, 10));
}
