namespace Sluice.Core;

/// <summary>Exact percentiles by nearest rank: the q-quantile of n values is the ⌈q·n⌉-th least of them, so it is always
/// one of the values and never an average of two.</summary>
public static class Percentiles
{
    /// <summary>Products such as 0.07 · 100 come out a hair above the whole number they mean.</summary>
    private const double RoundingSlack = 1e-9;

    /// <summary>Which value to take, counted from 1.</summary>
    /// <param name="quantile">0 to 1; 0 gives the least value.</param>
    public static long RankOf(double quantile, long count)
    {
        Check.That(quantile is >= 0 and <= 1);
        return Math.Clamp((long)Math.Ceiling(quantile * count - RoundingSlack), 1, Math.Max(1, count));
    }

    /// <param name="ascending">Sorted, least first, not empty.</param>
    /// <param name="quantile">0 to 1.</param>
    public static T NearestRank<T>(ReadOnlySpan<T> ascending, double quantile)
    {
        Check.That(ascending.Length > 0);
        return ascending[(int)RankOf(quantile, ascending.Length) - 1];
    }
}
