namespace Sluice.Policies;

/// <summary>ListMLE: how unlikely a list's true order is under scores, and in which direction each score should move.</summary>
/// <remarks>Source: Xia et al. (ICML 2008), as vllm-ltr (NeurIPS 2024) uses it: with items in true order, L = Σᵢ (log Σₖ≥ᵢ exp(sₖ) −
/// sᵢ). The greatest score is subtracted first, so that nothing overflows; adding a constant to all scores changes
/// nothing.</remarks>
public static class ListMle
{
    /// <param name="scores">In true order, first first.</param>
    /// <param name="gradient">∂L/∂s, same length; filled in.</param>
    public static double Loss(ReadOnlySpan<double> scores, Span<double> gradient)
    {
        var most = double.NegativeInfinity;
        foreach (var s in scores) most = Math.Max(most, s);

        // Sums over the tails, from the back; a score is pulled by every tail it stands in.
        var (tail, loss) = (1e-300, 0.0); // Scores may lie so far apart that a tail vanishes.
        for (var i = scores.Length - 1; i >= 0; i--)
        {
            tail += Math.Exp(scores[i] - most);
            gradient[i] = tail;
            loss += Math.Log(tail) - (scores[i] - most);
        }

        var pull = 0.0;
        for (var i = 0; i < scores.Length; i++)
        {
            pull += 1 / gradient[i];
            gradient[i] = Math.Exp(scores[i] - most) * pull - 1;
        }

        return loss;
    }
}
