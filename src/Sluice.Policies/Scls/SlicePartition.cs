namespace Sluice.Policies;

/// <summary>Splits requests sorted by length into batches of least total time, by dynamic programming.</summary>
/// <remarks>Source: SCLS (arXiv 2406.13511). D[i] = min over j of D[j−1] + T(i−j+1, L_i), where a batch may hold at most so
/// many requests and so many KV tokens; memory grows with the batch, so j falls until the first that does not fit.
/// O(n · batch). Ties go to the smaller last batch.</remarks>
internal sealed class SlicePartition
{
    private double[] _least = new double[64];
    private int[] _from = new int[64];

    /// <summary>Seconds of the partition last found.</summary>
    public double Seconds { get; private set; }

    /// <param name="lengths">Ascending.</param>
    /// <param name="tokensMax">KV tokens that a batch may hold; one request alone always may.</param>
    /// <param name="ends">Filled with the end of each batch (exclusive), in order.</param>
    public void Find(ReadOnlySpan<int> lengths, SliceTime time, int slice, int sizeMax, long tokensMax, List<int> ends)
    {
        var n = lengths.Length;
        if (_least.Length <= n) (_least, _from) = (new double[n * 2], new int[n * 2]);
        _least[0] = 0;
        for (var i = 1; i <= n; i++)
        {
            _least[i] = double.PositiveInfinity;
            for (var j = i; j >= 1; j--)
            {
                var size = i - j + 1;
                if (size > 1 && (size > sizeMax || size * (long)(lengths[i - 1] + slice) > tokensMax)) break;
                var seconds = _least[j - 1] + time.Of(size, lengths[i - 1], slice);
                if (seconds >= _least[i]) continue;
                (_least[i], _from[i]) = (seconds, j - 1);
            }
        }

        Seconds = _least[n];
        ends.Clear();
        for (var i = n; i > 0; i = _from[i]) ends.Add(i);
        ends.Reverse();
    }
}
