using Sluice.Simulation;

namespace Sluice.Cli;

/// <summary>What is varied in the experiments, and what came out.</summary>
/// <param name="Curve">By system and reader, over <see cref="Shares"/>.</param>
/// <param name="Burst">By share of saturation: all served late, or dropped when the first token is late.</param>
/// <param name="Siege">The same at <see cref="Overload"/>, but for <paramref name="Window"/>.</param>
/// <param name="Full">Saturation [requests/s].</param>
/// <param name="Window">Time in which requests come, over the rate.</param>
/// <param name="BurstWindow">The same where some are dropped.</param>
internal sealed record SmoothFigures(
    Func<Contender, ReaderModel, IReadOnlyList<SmoothPoint>> Curve,
    Func<double, (SmoothPoint Late, SmoothPoint Dropped)> Burst, (SmoothPoint Late, SmoothPoint Dropped) Siege,
    HoldBack Held, double Full, TimeSpan Window, TimeSpan BurstWindow)
{
    public const string Profile = "llama-3.1-8b@a100";
    public const string Promise = "ttft=1s,tpot=200ms";
    public const double PaperPenalty = 2.5, Overload = 1.3;

    /// <summary>α at which any idling, down to a tick, costs the whole answer.</summary>
    public const double Unbounded = 1e15;

    public static Contender Chunked { get; } = new("chunked prefill", "vllm-v1");
    public static Contender Whole { get; } = new("whole prompts", "vllm-v0");

    /// <summary>5 tokens/s, of the paper's second version.</summary>
    public static ReaderModel Reader { get; } = new();

    /// <summary>20 tokens/s, of its first version; idling costs half of what could have been read, as in the second
    /// [I].</summary>
    public static ReaderModel FastReader { get; } = new() { TokensPerSecond = 20, IdlePenalty = 10 };

    public static IReadOnlyList<double> Penalties { get; } = [0, 0.5, 1, PaperPenalty, 5, 10, 20, Unbounded];

    /// <summary>Rates over saturation.</summary>
    public static IReadOnlyList<double> Shares { get; } =
    [
        0.2, 0.4, 0.6, 0.7, 0.8, 0.85, 0.9, 0.925, 0.95, 0.975, 1, 1.025, 1.05, 1.075, 1.1, 1.15, 1.2, 1.3, 1.4, 1.6,
        1.8, 2,
    ];

    public static IReadOnlyList<double> Overloads { get; } = [0.8, 1, Overload, 1.6, 2];

    public static IReadOnlyList<(double Rate, double Value)> Over(
        IReadOnlyList<SmoothPoint> points, Func<SmoothPoint, double> value) => [.. Shares.Zip(points.Select(value))];
}
