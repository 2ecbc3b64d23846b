namespace Sluice.Policies;

/// <summary>What the normal approximation leaves out of a p90: throughput and mean lengths learned a little wrong shift all
/// waits of a run together, and later requests overtake.</summary>
/// <remarks>
/// A wait is promised within factor × its predicted mean, and the factor follows the 90th percentile of actual over
/// predicted: each wait that broke the promise raises it by 0.9 η, each that kept it lowers it by 0.1 η, so nine in ten keep
/// it in the long run whatever their distribution. Source: adaptive conformal inference (Gibbs and Candès, 2021), in a
/// multiplicative form that is ours. It speaks to promises only; the planner keeps to the paper's estimate.
/// </remarks>
internal sealed class TailFactor
{
    private const double Step = 0.05;
    private const double Least = 0.5;
    private const double Most = 20;

    private double _factor = 1;

    public double P90(in WaitEstimate estimate) => Math.Max(estimate.P90, estimate.Mean * _factor);

    /// <param name="mean">Predicted when it was queued [s]; a wait predicted to be nothing teaches nothing.</param>
    /// <param name="actual">[s]</param>
    public void Observe(double mean, double actual)
    {
        if (!(mean > 0.01 && double.IsFinite(mean))) return;
        var change = actual > mean * _factor ? 1 + 0.9 * Step : 1 - 0.1 * Step;
        _factor = Math.Clamp(_factor * change, Least, Most);
    }
}
