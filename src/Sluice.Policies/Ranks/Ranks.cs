using Sluice.Core;

namespace Sluice.Policies;

/// <summary>SPRPT that does not trust a prediction for ever: below the prediction what is left, past it the excess, which climbs
/// back to the prediction.</summary>
/// <remarks>Source: Mitzenmacher and Shahout, "Queueing, Predictions, and LLMs" (2025): max(z − a, min(a − z, z)). One giant that was
/// predicted short blocks everyone under plain SPRPT and not here. A running sequence may fall behind waiting ones, so the order
/// changes with time.</remarks>
public sealed class BouncingRemaining : IRank
{
    public bool IsStable => false;

    public double Of(in RankView view)
    {
        var (z, a) = (view.Predicted.Mean, (double)view.Age);
        return Math.Max(z - a, Math.Min(a - z, z));
    }
}

/// <summary>Shortest predicted whole answer first: what is done does not count.</summary>
/// <remarks>Source: as above, PSPJF and SPJF. Degrades with a multiplicative prediction error by a constant of 1.5.</remarks>
/// <param name="isPreemptive">A shorter one displaces a running one.</param>
public sealed class ShortestPredicted(bool isPreemptive) : IRank
{
    public bool IsStable => true;
    public double Of(in RankView view) => !isPreemptive && view.HasBegun ? double.NegativeInfinity : view.Predicted.Mean;
}

/// <summary>Least service so far first (FB, LAS); needs no prediction.</summary>
public sealed class LeastAttained : IRank
{
    public bool IsStable => false;
    public double Of(in RankView view) => view.Age;
}

/// <summary>A single bit: predicted short goes first, first come first served within.</summary>
/// <remarks>Source: as above, one-bit advice.</remarks>
/// <param name="threshold">Predicted tokens from which an answer is long.</param>
/// <param name="isPreemptive">A short one displaces a running long one.</param>
public sealed class OneBit(double threshold, bool isPreemptive) : IRank
{
    public bool IsStable => true;

    public double Of(in RankView view) =>
        !isPreemptive && view.HasBegun ? double.NegativeInfinity : view.Predicted.Mean < threshold ? 0 : 1;
}

/// <summary>Short by a cheap bit: first come, first served, ahead of all. Long: by the expensive prediction of what is left.</summary>
/// <remarks>Source: Shahout and Mitzenmacher, "SkipPredict" (arXiv 2402.03564). The bit errs for a given share of requests; the
/// prices of both predictions are settled outside, by counting: a bit for each request, an expensive one for each long.</remarks>
/// <param name="threshold">True tokens from which the bit should say long.</param>
/// <param name="errs">Share of requests whose bit is wrong, 0 to 1.</param>
public sealed class SkipPredict(double threshold, double errs, EngineContext context) : IRank
{
    private readonly Rng _rng = context.Rng.Fork("skip-predict");

    public bool IsStable => true;

    public double Of(in RankView view) => IsShort(view.Request, view.Predicted) ? -1e12 : view.Predicted.Mean - view.Age;

    private bool IsShort(Request request, TokenEstimate predicted)
    {
        var size = context.TrueLength?.Invoke(request) ?? predicted.Mean;
        var own = _rng.Fork("bit", request.Id.Value);
        return size < threshold != own.NextDouble() < errs;
    }
}

/// <summary>Everybody runs first come, first served up to a number of tokens; only who gets there is predicted, and goes on behind by
/// what is left.</summary>
/// <remarks>Source: the name from the same paper, the steps as they are usually told [R].</remarks>
/// <param name="limit">Tokens served without a prediction.</param>
public sealed class DelayPredict(double limit) : IRank
{
    public bool IsStable => false;
    public double Of(in RankView view) => view.Age < limit ? -1e12 : view.Predicted.Mean - view.Age;
}
