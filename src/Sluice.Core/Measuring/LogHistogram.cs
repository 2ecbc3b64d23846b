namespace Sluice.Core;

/// <summary>Counts of positive values in log-linear buckets: 256 buckets per factor of two, so a quantile is off by at
/// most 0.2 % of its value; count, sum, least and greatest are exact.</summary>
/// <remarks>Buckets are found by the bits of the double, so equal values fall into equal buckets on every platform. No
/// allocation after construction. Values outside 2⁻²⁰ to 2³⁰ are counted in the outermost buckets, where the error is
/// not bounded.</remarks>
public sealed class LogHistogram
{
    private const int SubBits = 8;
    private const int MinExponent = -20;
    private const int MaxExponent = 30;
    private const int Buckets = (MaxExponent - MinExponent) << SubBits;

    private readonly long[] _counts = new long[Buckets];

    public long Count { get; private set; }
    public double Sum { get; private set; }
    public double Min { get; private set; } = double.PositiveInfinity;
    public double Max { get; private set; } = double.NegativeInfinity;
    public double Mean => Count == 0 ? double.NaN : Sum / Count;

    /// <param name="weight">How many times the value occurred; 0 changes nothing.</param>
    public void Add(double value, long weight = 1)
    {
        Check.That(value >= 0);
        Check.That(weight >= 0);
        if (weight == 0) return;

        _counts[BucketOf(value)] += weight;
        Count += weight;
        Sum += value * weight;
        if (value < Min) Min = value;
        if (value > Max) Max = value;
    }

    /// <summary>Adds values that lie evenly between two that share a bucket.</summary>
    internal void AddRun(double low, double high, long weight)
    {
        Add((low + high) / 2, weight);
        if (low < Min) Min = low;
        if (high > Max) Max = high;
    }

    /// <summary>The least value with at least <paramref name="quantile"/> of the counts at or below it, within 0.2 %.
    /// NaN when empty.</summary>
    /// <param name="quantile">0 to 1.</param>
    public double Quantile(double quantile)
    {
        if (Count == 0) return double.NaN;
        var rank = Percentiles.RankOf(quantile, Count);
        var seen = 0L;
        for (var i = 0; i < Buckets; i++)
        {
            seen += _counts[i];
            if (seen >= rank) return Math.Clamp(MiddleOf(i), Min, Max);
        }

        return Max;
    }

    /// <summary>Afterwards as if every value of <paramref name="other"/> had been added here, but for rounding of the
    /// sum.</summary>
    public void Merge(LogHistogram other)
    {
        for (var i = 0; i < Buckets; i++) _counts[i] += other._counts[i];
        Count += other.Count;
        Sum += other.Sum;
        Min = Math.Min(Min, other.Min);
        Max = Math.Max(Max, other.Max);
    }

    internal static int BucketOf(double value)
    {
        var bits = BitConverter.DoubleToInt64Bits(value);
        var bucket = (bits >> (52 - SubBits)) - ((long)(1023 + MinExponent) << SubBits);
        return (int)Math.Clamp(bucket, 0, Buckets - 1);
    }

    private static double MiddleOf(int bucket)
    {
        var bits = ((long)bucket + ((long)(1023 + MinExponent) << SubBits)) << (52 - SubBits);
        return BitConverter.Int64BitsToDouble(bits + (1L << (51 - SubBits)));
    }
}
