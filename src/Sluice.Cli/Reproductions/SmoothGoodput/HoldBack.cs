using Sluice.Core;
using Sluice.Simulation;

namespace Sluice.Cli;

/// <summary>Streams with stalls, as they are and held back to an even pace.</summary>
/// <param name="Within">Share whose longest gap is within the limit.</param>
/// <param name="WithinHeld">The same, held back.</param>
/// <param name="Worth">Mean [tokens].</param>
/// <param name="WorthHeld">The same, held back.</param>
/// <param name="Gained">Streams worth more when held back.</param>
public sealed record HoldBack(
    int Streams, double Within, double WithinHeld, double Worth, double WorthHeld, int Gained)
{
    /// <summary>On the gap between tokens [s].</summary>
    public const double Limit = 0.2;

    /// <summary>Least gap that the server leaves [s]: below the limit, and above what the engine needs.</summary>
    public const double Interval = 0.15;

    private const int TokensMax = 200;
    private const double StallShare = 0.03, StallMax = 1.5, RoundingTokens = 1e-9;

    public static HoldBack Of(ReaderModel reader, int streams, Rng rng)
    {
        var (within, withinHeld, gained) = (0, 0, 0);
        var (worth, worthHeld) = (0.0, 0.0);
        for (var i = 0; i < streams; i++)
        {
            var times = Draw(ref rng);
            var held = TokenStream.HeldBack(times, Interval);
            var (before, after) = (WorthOf(times), WorthOf(held));
            if (TokenStream.LongestGap(times) <= Limit) within++;
            if (TokenStream.LongestGap(held) <= Limit) withinHeld++;
            if (after > before + RoundingTokens) gained++;
            worth += before;
            worthHeld += after;
        }

        double all = streams;
        return new(streams, within / all, withinHeld / all, worth / all, worthHeld / all, gained);

        double WorthOf(double[] times)
        {
            var pace = reader.Pace.TotalSeconds;
            return times.Length - reader.IdlePenalty * TokenStream.Idle(times, pace, pace);
        }
    }

    private static double[] Draw(ref Rng rng)
    {
        var times = new double[2 + (int)(rng.NextDouble() * (TokensMax - 2))];
        var at = rng.NextDouble();
        for (var i = 0; i < times.Length; i++)
        {
            times[i] = at;
            at += 0.02 + 0.04 * rng.NextDouble();
            if (rng.NextDouble() < StallShare) at += StallMax * rng.NextDouble();
        }

        return times;
    }
}
