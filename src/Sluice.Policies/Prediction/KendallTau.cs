namespace Sluice.Policies;

/// <summary>Kendall's tau-b: how far two orders of the same items agree, 1 for the same and −1 for the reverse.</summary>
/// <remarks>(concordant − discordant) / √((pairs − ties in x)(pairs − ties in y)). O(n log n) by Knight (1966): sorted by x, the
/// swaps that sorting by y takes are the discordant pairs.</remarks>
public static class KendallTau
{
    /// <returns>NaN when one of the two is constant.</returns>
    public static double Of(ReadOnlySpan<double> x, ReadOnlySpan<double> y)
    {
        var n = x.Length;
        var order = new (double X, double Y)[n];
        for (var i = 0; i < n; i++) order[i] = (x[i], y[i]);
        Array.Sort(order, static (a, b) => a.CompareTo(b));

        var pairs = n * (n - 1.0) / 2;
        var (tiesX, tiesBoth) = (0.0, 0.0);
        for (int i = 0, sameX = 0, sameBoth = 0; i < n; i++)
        {
            sameX = i > 0 && order[i].X == order[i - 1].X ? sameX + 1 : 0;
            sameBoth = i > 0 && order[i] == order[i - 1] ? sameBoth + 1 : 0;
            tiesX += sameX;
            tiesBoth += sameBoth;
        }

        var values = Array.ConvertAll(order, o => o.Y);
        var swaps = Sort(values, new double[n]);
        var tiesY = 0.0;
        for (int i = 1, same = 0; i < n; i++)
        {
            same = values[i] == values[i - 1] ? same + 1 : 0;
            tiesY += same;
        }

        return (pairs - tiesX - tiesY + tiesBoth - 2 * swaps) / Math.Sqrt((pairs - tiesX) * (pairs - tiesY));
    }

    /// <summary>Merge sort.</summary>
    /// <returns>Pairs that stood the wrong way round.</returns>
    private static double Sort(Span<double> values, Span<double> spare)
    {
        if (values.Length < 2) return 0;
        var middle = values.Length / 2;
        var swaps = Sort(values[..middle], spare[..middle]) + Sort(values[middle..], spare[middle..]);
        values.CopyTo(spare);
        for (int i = 0, j = middle, k = 0; k < values.Length; k++)
        {
            if (j == values.Length || (i < middle && spare[i] <= spare[j]))
            {
                values[k] = spare[i++];
            }
            else
            {
                values[k] = spare[j++];
                swaps += middle - i;
            }
        }

        return swaps;
    }
}
