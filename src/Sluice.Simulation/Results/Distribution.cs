using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>A latency over many requests [ms]. Every figure is NaN when <see cref="Count"/> is 0.</summary>
/// <param name="Curve">The value at each quantile of <see cref="Grid"/>; empty when there are no values.</param>
public sealed record Distribution(
    long Count, double Mean, double P50, double P90, double P95, double P99, double Max, double[] Curve)
{
    public static Distribution Empty { get; } =
        new(0, double.NaN, double.NaN, double.NaN, double.NaN, double.NaN, double.NaN, []);

    /// <summary>Quantiles at which a curve is drawn: every half percent, and finer in the last one, where the promises
    /// are.</summary>
    public static IReadOnlyList<double> Grid { get; } =
    [
        .. Enumerable.Range(0, 199).Select(i => i / 200.0),
        .. Enumerable.Range(0, 10).Select(i => 0.995 + i / 2000.0),
        0.9999, 1,
    ];

    /// <summary>Exact, by nearest rank.</summary>
    /// <param name="ascending">Sorted, in any unit.</param>
    /// <param name="unitsPerMillisecond">Of the values.</param>
    public static Distribution OfSorted(ReadOnlySpan<long> ascending, double unitsPerMillisecond)
    {
        if (ascending.IsEmpty) return Empty;

        var sum = 0.0;
        foreach (var value in ascending) sum += value;
        var curve = new double[Grid.Count];
        for (var i = 0; i < curve.Length; i++) curve[i] = At(ascending, Grid[i], unitsPerMillisecond);

        return new(
            ascending.Length, sum / ascending.Length / unitsPerMillisecond,
            At(ascending, 0.50, unitsPerMillisecond), At(ascending, 0.90, unitsPerMillisecond),
            At(ascending, 0.95, unitsPerMillisecond), At(ascending, 0.99, unitsPerMillisecond),
            ascending[^1] / unitsPerMillisecond, curve);
    }

    /// <summary>Mean and greatest are exact, quantiles within 0.2 % of their value.</summary>
    public static Distribution OfHistogram(LogHistogram milliseconds) =>
        milliseconds.Count == 0
            ? Empty
            : new(
                milliseconds.Count, milliseconds.Mean, milliseconds.Quantile(0.50), milliseconds.Quantile(0.90),
                milliseconds.Quantile(0.95), milliseconds.Quantile(0.99), milliseconds.Max,
                [.. Grid.Select(milliseconds.Quantile)]);

    private static double At(ReadOnlySpan<long> ascending, double quantile, double unitsPerMillisecond) =>
        Percentiles.NearestRank(ascending, quantile) / unitsPerMillisecond;
}
