namespace Sluice.Simulation;

/// <summary>A mean over runs that differ in nothing but their seed, and how sure it is.</summary>
/// <param name="HalfWidth">Half of the two-sided 95 % interval by Student's t; NaN of a single run.</param>
/// <remarks>Assumes that the values are near normal, which means over thousands of requests are.</remarks>
public readonly record struct Estimate(double Mean, double HalfWidth)
{
    /// <summary>97.5 % quantiles of Student's t by degrees of freedom, 1 to 30.</summary>
    private static ReadOnlySpan<double> Quantiles =>
    [
        12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101,
        2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
    ];

    /// <summary>The whole interval is above 0. A single run makes nothing sure, and then its sign decides.</summary>
    public bool IsAboveZero => double.IsNaN(HalfWidth) ? Mean > 0 : Mean - HalfWidth > 0;

    /// <param name="values">At least one. A value that does not exist makes the mean not exist.</param>
    public static Estimate Of(IReadOnlyCollection<double> values)
    {
        var mean = values.Average();
        if (values.Count == 1) return new(mean, double.NaN);
        var variance = values.Sum(v => (v - mean) * (v - mean)) / (values.Count - 1);
        return new(mean, Quantile(values.Count - 1) * Math.Sqrt(variance / values.Count));
    }

    /// <summary>Of the difference of runs with the same seed, which share arrivals and so much of their noise.</summary>
    public static Estimate OfDifference(IReadOnlyList<double> values, IReadOnlyList<double> others) =>
        Of([.. values.Zip(others, (a, b) => a - b)]);

    /// <summary>Beyond the table, the first term of its expansion about the normal quantile; within 0.001.</summary>
    private static double Quantile(int freedom) => freedom <= Quantiles.Length ? Quantiles[freedom - 1] : 1.96 + 2.37 / freedom;
}
