namespace Sluice.Gateway;

/// <summary>Counts of values in fixed buckets, as Prometheus wants them. One writer; readers may see a value counted in one place
/// and not yet in another.</summary>
/// <param name="bounds">Upper bounds, inclusive, ascending.</param>
public sealed class BucketHistogram(double[] bounds)
{
    private readonly long[] _counts = new long[bounds.Length + 1];

    public IReadOnlyList<double> Bounds => bounds;
    public long Count { get; private set; }
    public double Sum { get; private set; }

    public void Add(double value)
    {
        var bucket = Array.BinarySearch(bounds, value);
        _counts[bucket >= 0 ? bucket : ~bucket]++;
        Count++;
        Sum += value;
    }

    /// <summary>Values up to the bound, counted from below.</summary>
    public long CumulativeAt(int bound)
    {
        var sum = 0L;
        for (var i = 0; i <= bound; i++) sum += _counts[i];
        return sum;
    }
}
