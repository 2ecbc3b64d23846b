namespace Sluice.Policies;

/// <summary>Counts of answers by length, in buckets whose width grows with the length, so that a quantile is right to 6 %.</summary>
public sealed class LengthHistogram
{
    private const int PerOctave = 12, Octaves = 20;

    private readonly int[] _counts = new int[PerOctave * Octaves];
    private double _sum;
    private double _squares;

    public int Count { get; private set; }
    public double Mean => Count == 0 ? double.NaN : _sum / Count;
    public double Variance => Count == 0 ? double.NaN : Math.Max(0, _squares / Count - Mean * Mean);

    public void Add(int tokens)
    {
        _counts[BucketOf(tokens)]++;
        Count++;
        _sum += tokens;
        _squares += (double)tokens * tokens;
    }

    /// <summary>Length that an answer stays within with probability <paramref name="p"/>, given that it is longer than so many
    /// tokens; NaN when no answer seen was.</summary>
    /// <param name="p">0 to 1.</param>
    public double Quantile(double p, int longerThan = 0)
    {
        var first = longerThan <= 0 ? 0 : BucketOf(longerThan) + 1;
        var beyond = 0;
        for (var i = first; i < _counts.Length; i++) beyond += _counts[i];
        if (beyond == 0) return double.NaN;

        var wanted = p * beyond;
        for (var i = first; i < _counts.Length; i++)
        {
            wanted -= _counts[i];
            if (wanted <= 0 && _counts[i] > 0) return Math.Pow(2, (i + 0.5) / PerOctave);
        }

        return double.NaN;
    }

    private static int BucketOf(int tokens) =>
        Math.Clamp((int)(Math.Log2(Math.Max(1, tokens)) * PerOctave), 0, PerOctave * Octaves - 1);
}
