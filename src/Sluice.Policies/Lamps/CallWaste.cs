using Sluice.Core;

namespace Sluice.Policies;

/// <summary>Memory that a tool's call wastes, in token seconds, by what becomes of the KV meanwhile.</summary>
/// <remarks>
/// Source: LAMPS (Shahout et al., "Fast Inference for Augmented Large Language Models", arXiv 2410.18248) and the code it shares with
/// InferCept (ICML 2024). Recomputing and swapping go in chunks beside the running batch, which waits for them; the first chunk that
/// fits beside it is free. Only <paramref name="Saturation"/> is a constant of theirs here: times come from the engine.
/// </remarks>
/// <param name="PerToken">Time that a computed token adds to a step [ms].</param>
/// <param name="PerStep">Time of a step without tokens [ms].</param>
/// <param name="SwapPerToken">Time that a moved token adds to a step [ms].</param>
/// <param name="Saturation">Tokens that one step computes without taking longer than it must.</param>
public readonly record struct CallWaste(double PerToken, double PerStep, double SwapPerToken, int Saturation = CallWaste.SaturationTokens)
{
    /// <summary>The artifact's constant for its 6B model on an A100.</summary>
    public const int SaturationTokens = 384;

    /// <summary>As an engine's step times have it.</summary>
    public static CallWaste Of(IStepTimeModel stepTime, int saturation)
    {
        var one = stepTime.StepTime(new() { DecodeSequences = 1 });
        var full = stepTime.StepTime(
            new() { DecodeSequences = 1, PrefillTokens = saturation, AttentionPairsTwice = (long)saturation * saturation });
        var swapped = stepTime.StepTime(new() { DecodeSequences = 1, SwappedTokens = saturation });
        return new(Milliseconds(full - one) / saturation, Milliseconds(one), Milliseconds(swapped - one) / saturation, saturation);

        static double Milliseconds(long femtoseconds) => femtoseconds / 1e12;
    }

    /// <summary>The blocks stand idle.</summary>
    /// <param name="context">Tokens held when the tool is called.</param>
    /// <param name="seconds">That the tool takes.</param>
    public static double Preserve(double context, double seconds) => context * seconds;

    /// <summary>Tokens are computed again, and those who run wait for it.</summary>
    /// <param name="running">KV tokens of the running batch.</param>
    /// <param name="chunk">Tokens beside the running batch, at least 1.</param>
    public double Recompute(double context, double running, double chunk)
    {
        var n = Math.Max(Math.Ceiling(context / chunk) - 1, 0);
        var rest = context % chunk;
        return FullStep * chunk * n * (n + 1) / 2 + PerToken * chunk / 1000 * n * running + PerToken * rest / 1000 * (running + rest);
    }

    /// <summary>Tokens go out and come back.</summary>
    public double Swap(double context, double running, double chunk)
    {
        var n = Math.Max(Math.Ceiling(context / chunk) - 1, 1);
        var full = (SwapPerToken * Saturation + PerStep) / 1000;
        return full * n * context + 2 * (SwapPerToken * chunk / 1000) * n * running;
    }

    /// <summary>What fits beside those who run.</summary>
    /// <param name="runningTokens">That they compute in a step.</param>
    public double Chunk(double runningTokens) => Math.Max(Saturation - runningTokens, 1);

    /// <summary>The least of the three; ties preserve, then swap.</summary>
    public CallHandling Least(double context, double seconds, double running, double chunk)
    {
        var (preserve, swap, again) =
            (Preserve(context, seconds), Swap(context, running, chunk), Recompute(context, running, chunk));
        if (preserve <= swap && preserve <= again) return CallHandling.Preserve;
        return swap <= again ? CallHandling.Swap : CallHandling.Recompute;
    }

    /// <summary>Memory over time of computing tokens in chunks, the artifact's price of a segment [token s].</summary>
    public double Area(double tokens, double chunk)
    {
        var n = Math.Max(Math.Ceiling(tokens / chunk), 1);
        return FullStep * chunk * n * (n + 1) / 2;
    }

    private double FullStep => (PerToken * Saturation + PerStep) / 1000;
}
