using Sluice.Core;

namespace Sluice.Cli;

/// <summary>The highest rate a system sustains, and every point looked at on the way.</summary>
/// <param name="Rate">The highest rate measured whose latency is within the limit.</param>
/// <param name="Points">Ascending by rate.</param>
public sealed record SustainedRate(double Rate, IReadOnlyList<(double Rate, double Latency)> Points);

/// <summary>Finds the highest rate at which a latency stays within a limit, by bisection.</summary>
/// <remarks>The measurement must use common random numbers, the same requests at every rate, so that latency rises with the
/// rate but for a little noise. About 12 measurements from a start within a factor of 8.</remarks>
public static class RateSearch
{
    /// <summary>Between two rates while the limit is being bracketed. The points also draw the curve.</summary>
    private const double Stride = 1.3;

    /// <summary>Upper over lower bound at which the search ends.</summary>
    private const double Precision = 1.01;

    /// <param name="start">A rate to begin at, above 0.</param>
    /// <param name="limit">In the unit of <paramref name="measure"/>.</param>
    /// <param name="measure">Latency at a rate.</param>
    public static SustainedRate Highest(double start, double limit, Func<double, double> measure)
    {
        var points = new SortedDictionary<double, double>();
        var low = start;
        while (!IsSustained(low)) low /= Stride;
        var high = low * Stride;
        while (IsSustained(high)) (low, high) = (high, high * Stride);
        while (high > low * Precision)
        {
            var middle = Math.Sqrt(low * high);
            if (IsSustained(middle)) low = middle;
            else high = middle;
        }

        return new(low, [.. points.Select(p => (p.Key, p.Value))]);

        bool IsSustained(double rate)
        {
            Check.That(rate is > 1e-6 and < 1e6); // Else the latency has nothing to do with the rate.
            if (!points.TryGetValue(rate, out var latency)) points.Add(rate, latency = measure(rate));
            return latency <= limit;
        }
    }
}
