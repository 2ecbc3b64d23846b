namespace Sluice.Policies;

/// <summary>Lays out the batches of a time to come and says how many prompt tokens fit beside the decodes.</summary>
/// <remarks>
/// Source: SLOs-Serve (arXiv 2504.08784), both of its planners. Decodes of one tier, a time per token, are taken to be in phase:
/// each batch lasts to the next deadline of a tier, whoever's token period has begun gets a token, and the rest is for prompts. So
/// loose deadlines make long batches, which are the efficient ones. O(horizon / tightest tier × tiers), no allocation.
/// </remarks>
/// <param name="tiers">Seconds per token, rising.</param>
/// <param name="batchMax">Most tokens of a batch.</param>
public sealed class BatchPlan(double[] tiers, int batchMax)
{
    /// <summary>Batches laid out at most: a horizon of a minute at the usual pace.</summary>
    private const int BatchesMax = 1000;

    private readonly double[] _due = new double[tiers.Length];

    public int Tiers => tiers.Length;

    /// <summary>Prompt tokens that fit into a time, one token per decode and step.</summary>
    /// <param name="counts">Decodes of each tier.</param>
    /// <returns>Negative when the decodes alone cannot be served in time.</returns>
    public double Budget(in BatchCost cost, double horizon, ReadOnlySpan<int> counts)
    {
        for (var k = 0; k < tiers.Length; k++) _due[k] = tiers[k];
        var (time, budget) = (0.0, 0.0);
        for (var batch = 0; batch < BatchesMax; batch++)
        {
            var tokens = Math.Floor(Math.Min(cost.Tokens(FirstDue(horizon, counts) - time) + 1e-9, batchMax));
            if (tokens < 1) return IsDone(time, horizon, counts) ? budget : -1;
            var begin = time;
            time += cost.Time(tokens);
            for (var k = 0; k < tiers.Length; k++)
            {
                if (counts[k] == 0 || _due[k] - tiers[k] >= time) continue;
                if (_due[k] < time - 1e-9) return -1;
                tokens -= counts[k];
                _due[k] += tiers[k];
            }

            if (tokens < 0) return -1;
            budget += tokens;
            if (time <= begin) break;
        }

        // What lies beyond is like what came before.
        return time <= 0 || time >= horizon ? budget : budget * horizon / time;
    }

    /// <summary>Prompt tokens that fit into a time when each step drafts and verifies several tokens per decode.</summary>
    /// <param name="acceptance">Probability that a drafted token is accepted, 0 to 1, exclusive.</param>
    /// <param name="drafts">Tokens per step for each tier, 1 where it does not speculate; filled in.</param>
    /// <returns>Negative when no length of drafts serves the decodes in time.</returns>
    public double SpeculativeBudget(
        in BatchCost cost, double horizon, ReadOnlySpan<int> counts, double acceptance, int draftMax, Span<int> drafts)
    {
        drafts.Fill(1);
        var best = -1.0;
        Span<int> tried = stackalloc int[tiers.Length];
        for (var binding = 0; binding < tiers.Length; binding++)
        {
            if (counts[binding] == 0) continue;
            for (var length = 1; length <= draftMax; length++)
            {
                var budget = Unit(in cost, horizon, counts, acceptance, draftMax, binding, length, tried);
                if (budget <= best) continue;
                best = budget;
                tried.CopyTo(drafts);
            }
        }

        return best;
    }

    /// <summary>Tokens that a step yields on average when so many are verified: (1 − αˢ) / (1 − α).</summary>
    public static double Accepted(double acceptance, int length) => (1 - Math.Pow(acceptance, length)) / (1 - acceptance);

    /// <summary>The horizon in equal steps: one tier drafts a given length, each other one what it needs to keep up.</summary>
    private double Unit(
        in BatchCost cost, double horizon, ReadOnlySpan<int> counts, double acceptance, int draftMax, int binding, int length,
        Span<int> lengths)
    {
        var pace = Accepted(acceptance, length) * tiers[binding];
        var (unit, longest, tokens) = (horizon, 0, 0.0);
        for (var k = 0; k < tiers.Length; k++)
        {
            lengths[k] = 1;
            if (counts[k] == 0) continue;
            while (Accepted(acceptance, lengths[k]) * tiers[k] < pace - 1e-12)
                if (++lengths[k] > draftMax) return -1;
            unit = Math.Min(unit, Accepted(acceptance, lengths[k]) * tiers[k]);
            longest = Math.Max(longest, lengths[k]);
            tokens += counts[k] * lengths[k];
        }

        var fits = Math.Min(batchMax, cost.Tokens(unit, longest > 1 ? longest : 0));
        return fits < tokens ? -1 : (fits - tokens) * horizon / unit;
    }

    private double FirstDue(double horizon, ReadOnlySpan<int> counts)
    {
        var first = horizon;
        for (var k = 0; k < tiers.Length; k++)
            if (counts[k] > 0) first = Math.Min(first, _due[k]);
        return first;
    }

    /// <summary>True when what is left of the horizon is too short for a batch; false when a tier's next token is.</summary>
    private bool IsDone(double time, double horizon, ReadOnlySpan<int> counts)
    {
        for (var k = 0; k < tiers.Length; k++)
            if (counts[k] > 0 && _due[k] < horizon && _due[k] - time < tiers[k] / 2) return false;
        return true;
    }
}
