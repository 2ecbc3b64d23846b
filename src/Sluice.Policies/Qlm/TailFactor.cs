namespace Sluice.Policies;

/// <summary>What the normal approximation leaves out of a p90: mean lengths and throughput learned a little wrong shift all
/// waits of a while together, and who overtakes is known on average only.</summary>
/// <remarks>
/// Keeps how actual waits compared with their predicted means, as a faded histogram of their ratio, and promises the mean
/// times its 90th percentile. Short waits scatter more than long ones, so powers of four of the wait are told apart; one that
/// has seen little leans on the next shorter, and the shortest on a prior, so that a queue that grows deeper than ever is
/// promised with the scatter of what was seen, not with none. About 1,000 outcomes are remembered. It speaks to promises
/// only; the planner keeps to the paper's estimate. O(bins).
/// Source: empirical (conformal) quantiles of the error; the ladder of waits is ours.
/// </remarks>
internal sealed class TailFactor
{
    private const int Rungs = 8, Bins = 96;
    private const double BinWidth = 0.05; // of the logarithm
    private const double Remembered = 1000;

    /// <summary>Outcomes that a shorter rung's histogram is worth to the next.</summary>
    private const double Lean = 50;

    private readonly double[][] _bins = new double[Rungs][];
    private readonly double[] _counts = new double[Rungs];
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
    public void Observe(double mean, double actual)
    {
        if (!(mean > 0.01 && double.IsFinite(mean))) return;
        var rung = RungOf(mean);
        var bins = _bins[rung];
        var kept = 1 - 1 / Remembered;
        for (var i = 0; i < Bins; i++) bins[i] *= kept;
        bins[(int)Math.Clamp(Math.Log(Math.Max(1e-9, actual / mean)) / BinWidth + Bins / 2, 0, Bins - 1)]++;
        _counts[rung] = _counts[rung] * kept + 1;
        Refresh(rung);
    }

    /// <summary>Computes the factors from a rung upwards.</summary>
    private void Refresh(int from)
    {
        for (var r = from; r < Rungs; r++)
        {
            if (r > from && _counts[r] >= 20 * Lean) break; // What it leans on hardly matters.
            _factors[r] = FactorOf(r);
        }
    }

    private double FactorOf(int rung)
    {
        Array.Copy(_bins[rung], _mixed, Bins);
        var count = _counts[rung];
        var weight = Lean;
        for (var r = rung - 1; r >= 0 && weight > 1; r--)
        {
            if (_counts[r] == 0) continue;
            var share = weight * Math.Min(1, _counts[r] / Lean) / _counts[r];
            for (var i = 0; i < Bins; i++) _mixed[i] += _bins[r][i] * share;
            count += _counts[r] * share;
            weight -= _counts[r] * share;
        }

        // Before anything was seen: nine in ten within a third more.
        if (weight > 1)
        {
            _mixed[Bins / 2] += 0.85 * weight;
            _mixed[Bins / 2 + 6] += 0.15 * weight;
            count += weight;
        }

        var above = 0.1 * count;
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
