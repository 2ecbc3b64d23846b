using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>Which part of a trace to use, and how.</summary>
/// <remarks>Applied in this order: sort by time, first arrival becomes 0, time slice, skip, take, first kept arrival
/// becomes 0, rate scale.</remarks>
public sealed record TraceOptions
{
    /// <summary>Requests passed over at the start of the slice.</summary>
    public int Skip { get; init; }

    /// <summary>Requests kept after <see cref="Skip"/>.</summary>
    public int Take { get; init; } = int.MaxValue;

    /// <summary>Start of the time slice, seconds after the trace's first arrival.</summary>
    public double FromSeconds { get; init; }

    /// <summary>End of the time slice, exclusive, seconds after the trace's first arrival.</summary>
    public double ToSeconds { get; init; } = double.PositiveInfinity;

    /// <summary>Multiplies the arrival rate: 2 is twice as many requests per second, all gaps halved.</summary>
    public double RateScale { get; init; } = 1;

    /// <summary>The caller's cap on every answer [tokens]; an answer that was longer is cut to it. Null: the cap is the
    /// answer's true length.</summary>
    public int? MaxOutputTokens { get; init; }

    /// <summary>Turns the trace's hash ids and prefix ids into <see cref="Request.PromptBlocks"/>. Costs 8 bytes per KV
    /// block of every prompt; traces without ids cost nothing either way.</summary>
    public bool WithPrefixes { get; init; } = true;

    /// <summary>Keeps the trace's model names. When false all requests are for one model.</summary>
    public bool WithModels { get; init; } = true;

    /// <summary>Tokens per entry of <see cref="Request.PromptBlocks"/>; equal to the engine's KV block.</summary>
    public int KvBlockTokens { get; init; } = 16;

    /// <summary>Prompt tokens one image becomes. Default: LLaVA-1.5, a 336-pixel square in patches of 14, 24 by 24. The
    /// Azure trace counts images but does not say their size.</summary>
    public int TokensPerImage { get; init; } = 576;

    /// <summary>Host time to fetch, decode and resize one image. Assumed.</summary>
    public TimeSpan PreparationPerImage { get; init; } = TimeSpan.FromMilliseconds(20);

    /// <summary>An arrival process such as <c>poisson:rate=2</c> that replaces the recorded times. Required for traces
    /// without arrivals.</summary>
    public string? Arrivals { get; init; }

    /// <summary>Drives <see cref="Arrivals"/>; unused without it.</summary>
    public Rng Rng { get; init; } = new(1);

    /// <exception cref="InputException">An option is out of its range.</exception>
    internal void Validate()
    {
        Require(Skip >= 0, "skip", Skip, "0 or more");
        Require(Take >= 1, "take", Take, "1 or more");
        Require(FromSeconds is >= 0 and < TraceLimits.SecondsMax, "from", FromSeconds, "0 s or more");
        Require(ToSeconds > FromSeconds, "to", ToSeconds, "a time after 'from'");
        Require(RateScale is >= 1e-3 and <= 1e6, "scale", RateScale, "a factor from 0.001 to 1,000,000");
        Require(MaxOutputTokens is null or (>= 1 and <= TraceLimits.TokensMax), "max output tokens", MaxOutputTokens ?? 0,
            "1 to 10,000,000");
        Require(KvBlockTokens is >= 1 and <= 65_536, "KV block tokens", KvBlockTokens, "1 to 65,536");
        Require(TokensPerImage is >= 1 and <= 1_000_000, "tokens per image", TokensPerImage, "1 to 1,000,000");
        Require(PreparationPerImage >= TimeSpan.Zero && PreparationPerImage <= TimeSpan.FromHours(1),
            "preparation per image", PreparationPerImage.TotalSeconds, "0 s to 1 h");
    }

    private static void Require(bool holds, string name, double found, string expected)
    {
        if (!holds) throw new InputException(FormattableString.Invariant($"{name}: found {found}, expected {expected}"));
    }
}

/// <summary>Bounds on what a trace may say; beyond them the file is taken to be wrong.</summary>
internal static class TraceLimits
{
    /// <summary>Ten times the longest context any model offers.</summary>
    public const int TokensMax = 10_000_000;

    /// <summary>Reaches past the wall-clock seconds of today (1.8e9) and keeps sums of ticks far from overflow.</summary>
    public const double SecondsMax = 1e11;

    public const int ImagesMax = 10_000;

    /// <summary>One line. The longest prompts with one hash id per 16 tokens stay under 10 MB.</summary>
    public const int LineBytesMax = 64 << 20;
}
