namespace Sluice.Policies;

/// <summary>What the normal approximation leaves out of a p90: mean lengths and throughput learned a little wrong shift all
/// waits of a while together, and who overtakes is known on average only.</summary>
/// <remarks>
/// Keeps how actual waits compared with their predicted means, as a faded histogram of their ratio, and promises the mean
/// times its 90th percentile. Short waits scatter more than long ones, so powers of four of the wait are told apart. Requests
/// that waited through the same minutes missed for the same reason: a thousand outcomes of waits of 100 s that ended within
/// 100 s are one lesson, not a thousand. So an outcome weighs the time since the one before it over its predicted wait, and
/// 30 waits' worth is remembered. A rung of the ladder that has seen little leans on the next shorter, and the shortest on a
/// guess. It speaks to promises only; the planner keeps to the paper's estimate. O(bins).
/// Source: empirical (conformal) quantiles of the error; the ladder and the weights are ours. Counting a request as missed as
/// soon as it is overdue, before it begins, changes coverage by about a point, and is left out.
/// </remarks>
internal sealed class TailFactor
{
    private const int Rungs = 8, Bins = 96;
    private const double BinWidth = 0.05; // of the logarithm

    /// <summary>In waits' worth.</summary>
    private const double Remembered = 30;

    /// <summary>What a shorter rung's histogram counts for in the next, in waits' worth.</summary>
    private const double Lean = 2;

    private readonly double[][] _bins = new double[Rungs][];
    private readonly double[] _weights = new double[Rungs];
    private readonly double[] _seenAt = new double[Rungs]; // s
    private readonly double[] _factors = new double[Rungs];
    private readonly double[] _mixed = new double[Bins];

    public TailFactor()
    {
        for (var r = 0; r < Rungs; r++) _bins[r] = new double[Bins];
        Refresh(0);
    }

    public double P90(in WaitEstimate estimate) => Math.Max(estimate.P90, estimate.Mean * _factors[RungOf(estimate.Mean)]);

    /// <param name="mean">Predicted when it was queued [s]; a wait predicted to be nothing teaches nothing.</param>
    /// <param name="actual">[s]</param>
    /// <param name="now">Not before the last outcome [s].</param>
    public void Observe(double mean, double actual, double now)
    {
        if (!(mean > 0.01 && double.IsFinite(mean))) return;
        var rung = RungOf(mean);
        var bins = _bins[rung];
        var weight = Math.Min(1, (now - _seenAt[rung]) / mean); // Not by what it was: long ones would count for less.
        var kept = 1 - weight / Remembered;
        _seenAt[rung] = now;
        for (var i = 0; i < Bins; i++) bins[i] *= kept;
        bins[(int)Math.Clamp(Math.Log(Math.Max(1e-9, actual / mean)) / BinWidth + Bins / 2, 0, Bins - 1)] += weight;
        _weights[rung] = _weights[rung] * kept + weight;
        Refresh(rung);
    }

    /// <summary>Computes the factors from a rung upwards.</summary>
    private void Refresh(int from)
    {
        for (var r = from; r < Rungs; r++)
        {
            if (r > from && _weights[r] >= 10 * Lean) break; // What it leans on hardly matters.
            _factors[r] = FactorOf(r);
        }
    }

    private double FactorOf(int rung)
    {
        Array.Copy(_bins[rung], _mixed, Bins);
        var (sum, left) = (_weights[rung], Lean);
        for (var r = rung - 1; r >= 0 && left > 0; r--)
        {
            if (_weights[r] == 0) continue;
            var taken = left * Math.Min(1, _weights[r] / Lean);
            for (var i = 0; i < Bins; i++) _mixed[i] += _bins[r][i] * (taken / _weights[r]);
            (sum, left) = (sum + taken, left - taken);
        }

        // Before enough was seen: four in five as predicted, and one a third longer, which is six bins.
        _mixed[Bins / 2] += 0.8 * left;
        _mixed[Bins / 2 + 6] += 0.2 * left;

        var above = 0.1 * (sum + left);
        for (var i = Bins - 1; ; i--)
        {
            if (_mixed[i] < above && i > 0)
            {
                above -= _mixed[i];
                continue;
            }

            var within = _mixed[i] > 0 ? 1 - Math.Min(1, above / _mixed[i]) : 0;
            return Math.Exp((i - Bins / 2 + within) * BinWidth);
        }
    }

    /// <summary>Below 1 s, 4 s, 16 s and so on.</summary>
    private static int RungOf(double mean) => mean < 1 ? 0 : Math.Min(Rungs - 1, 1 + (int)(Math.Log2(mean) / 2));
}
