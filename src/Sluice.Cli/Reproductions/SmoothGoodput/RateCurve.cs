namespace Sluice.Cli;

/// <summary>Questions to a curve over the rate.</summary>
public static class RateCurve
{
    /// <summary>Where the curve is highest; the lowest rate of equal ones.</summary>
    public static double Peak(IReadOnlyList<(double Rate, double Value)> curve) => curve.MaxBy(p => p.Value).Rate;

    /// <summary>True when it rises up to its maximum and falls from there, but for so much of the maximum.</summary>
    /// <param name="slack">Share of the maximum, 0 to 1, by which a step may go the other way.</param>
    public static bool HasSinglePeak(IReadOnlyList<(double Rate, double Value)> curve, double slack)
    {
        var peak = curve.MaxBy(p => p.Value);
        var most = slack * Math.Abs(peak.Value);
        return curve.Zip(curve.Skip(1)).All(pair =>
            pair.Second.Rate <= peak.Rate
                ? pair.Second.Value >= pair.First.Value - most
                : pair.Second.Value <= pair.First.Value + most);
    }

    /// <summary>The lowest rate from which on a value is above a limit; NaN when it is not.</summary>
    public static double Exceeds(IReadOnlyList<(double Rate, double Value)> curve, double limit) =>
        curve.Reverse().TakeWhile(p => p.Value > limit).Select(p => p.Rate).DefaultIfEmpty(double.NaN).Last();
}
