using Sluice.Core;

namespace Sluice.Policies;

/// <summary>A quantile of the answer's length as a sum of small trees over the request's features, fitted to the logarithm by gradient
/// boosting with the pinball loss.</summary>
/// <remarks>Source: Friedman (2001) for quantiles: each tree is fitted to the sign of the residual, and a leaf moves by the quantile of
/// its residuals. Depth 3, a step of 0.1, splits at up to 16 quantiles of a feature. Deterministic: ties go to the first feature and the
/// lowest threshold. Training is O(trees × features × 16 × n).</remarks>
public sealed class QuantileTrees
{
    private const int Depth = 3, Cuts = 16, LeafMin = 20;
    private const double Rate = 0.1;

    /// <summary>Nodes of all trees in the order of a heap, 2⁴ − 1 per tree: feature (−1 in leaves), threshold, value.</summary>
    public List<(int Feature, double Threshold, double Value)[]> Trees { get; init; } = [];

    /// <summary>Where the sum begins [log tokens].</summary>
    public double Base { get; set; }

    /// <summary>0 to 1, exclusive.</summary>
    public double Level { get; set; } = 0.5;

    /// <summary>Tokens.</summary>
    public double Predict(ReadOnlySpan<double> features)
    {
        var sum = Base;
        foreach (var tree in Trees) sum += Rate * ValueOf(tree, features);
        return Math.Exp(sum) - 1;
    }

    public static QuantileTrees Train(double[][] features, int[] outputTokens, double level, int trees = 60)
    {
        Check.That(level is > 0 and < 1);
        double[] y = [.. outputTokens.Select(o => Math.Log(1 + o))];
        var model = new QuantileTrees { Level = level, Base = Quantile([.. y], level) };
        var fitted = new double[y.Length];
        Array.Fill(fitted, model.Base);
        var cuts = CutsOf(features);
        var rows = new int[y.Length];
        for (var t = 0; t < trees; t++)
        {
            for (var i = 0; i < rows.Length; i++) rows[i] = i;
            var tree = new (int Feature, double Threshold, double Value)[(1 << (Depth + 1)) - 1];
            Array.Fill(tree, (-1, 0, 0));
            Grow(tree, 0, 0, rows, features, cuts, y, fitted, level);
            model.Trees.Add(tree);
            for (var i = 0; i < y.Length; i++) fitted[i] += Rate * ValueOf(tree, features[i]);
        }

        return model;
    }

    private static void Grow(
        (int Feature, double Threshold, double Value)[] tree, int node, int depth, Span<int> rows, double[][] features, double[][] cuts,
        double[] y, double[] fitted, double level)
    {
        var (feature, threshold) = depth == Depth ? (-1, 0) : BestSplit(rows, features, cuts, y, fitted, level);
        if (feature < 0)
        {
            var residuals = new double[rows.Length];
            for (var i = 0; i < rows.Length; i++) residuals[i] = y[rows[i]] - fitted[rows[i]];
            tree[node] = (-1, 0, rows.Length == 0 ? 0 : Quantile(residuals, level));
            return;
        }

        tree[node] = (feature, threshold, 0);
        var left = 0;
        for (var i = 0; i < rows.Length; i++)
        {
            if (features[rows[i]][feature] > threshold) continue;
            (rows[left], rows[i]) = (rows[i], rows[left]);
            left++;
        }

        Grow(tree, 2 * node + 1, depth + 1, rows[..left], features, cuts, y, fitted, level);
        Grow(tree, 2 * node + 2, depth + 1, rows[left..], features, cuts, y, fitted, level);
    }

    /// <summary>The split that lets the gradient (the level less one where the residual is negative) differ most between its
    /// sides.</summary>
    private static (int Feature, double Threshold) BestSplit(
        ReadOnlySpan<int> rows, double[][] features, double[][] cuts, double[] y, double[] fitted, double level)
    {
        var all = 0.0;
        foreach (var i in rows) all += y[i] < fitted[i] ? level - 1 : level;
        var (feature, threshold, best) = (-1, 0.0, all * all / Math.Max(1, rows.Length) + 1e-9);
        for (var f = 0; f < cuts.Length; f++)
        {
            foreach (var cut in cuts[f])
            {
                var (sum, count) = (0.0, 0);
                foreach (var i in rows)
                {
                    if (features[i][f] > cut) continue;
                    sum += y[i] < fitted[i] ? level - 1 : level;
                    count++;
                }

                if (count < LeafMin || rows.Length - count < LeafMin) continue;
                var score = sum * sum / count + (all - sum) * (all - sum) / (rows.Length - count);
                if (score > best) (feature, threshold, best) = (f, cut, score);
            }
        }

        return (feature, threshold);
    }

    /// <summary>Values of each feature at which it may be split: none for one that never varies.</summary>
    private static double[][] CutsOf(double[][] features)
    {
        var cuts = new double[RequestFeatures.Count][];
        for (var f = 0; f < cuts.Length; f++)
        {
            double[] values = [.. features.Select(row => row[f]).Distinct().Order()];
            cuts[f] = values.Length < 2
                ? []
                : [.. Enumerable.Range(1, Cuts - 1).Select(k => values[Math.Min(values.Length - 2,
                    k * (values.Length - 1) / Cuts)]).Distinct()];
        }

        return cuts;
    }

    private static double ValueOf((int Feature, double Threshold, double Value)[] tree, ReadOnlySpan<double> features)
    {
        var node = 0;
        while (tree[node].Feature >= 0) node = 2 * node + (features[tree[node].Feature] <= tree[node].Threshold ? 1 : 2);
        return tree[node].Value;
    }

    private static double Quantile(double[] values, double level)
    {
        Array.Sort(values);
        return values[Math.Min(values.Length - 1, (int)(level * values.Length))];
    }
}
