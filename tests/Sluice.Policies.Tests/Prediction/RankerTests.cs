using Sluice.Core;

namespace Sluice.Policies.Tests;

public sealed class RankerTests
{
    /// <summary>Scores 3, 1, 2, 0 in true order: the tails are log(e³+e+e²+1), log(e+e²+1), log(e²+1), log 1.</summary>
    [Fact]
    public void List_loss_has_the_value_by_hand()
    {
        double[] scores = [3, 1, 2, 0];
        var byHand = Math.Log(Math.Exp(3) + Math.Exp(1) + Math.Exp(2) + 1) - 3 + (Math.Log(Math.Exp(1) + Math.Exp(2) + 1) - 1)
            + (Math.Log(Math.Exp(2) + 1) - 2);

        Assert.Equal(byHand, ListMle.Loss(scores, new double[4]), 1e-12);
        Assert.Equal(byHand, ListMle.Loss([103, 101, 102, 100], new double[4]), 1e-9);
        Assert.True(double.IsFinite(ListMle.Loss([2000, -2000, 0, 1], new double[4])));
    }

    [Fact]
    public void The_gradient_is_that_of_small_differences()
    {
        double[] scores = [0.3, -1.2, 2.2, 0.7, 0.1];
        var gradient = new double[5];
        ListMle.Loss(scores, gradient);
        for (var i = 0; i < 5; i++)
        {
            const double h = 1e-6;
            double[] up = [.. scores], down = [.. scores];
            up[i] += h;
            down[i] -= h;
            var numeric = (ListMle.Loss(up, new double[5]) - ListMle.Loss(down, new double[5])) / (2 * h);
            Assert.Equal(numeric, gradient[i], 1e-6);
        }

        Assert.Equal(0, gradient.Sum(), 1e-9); // A constant added to all changes nothing.
    }

    [Fact]
    public void Tau_counts_pairs_as_written()
    {
        Assert.Equal(1, KendallTau.Of([1, 2, 3, 4], [10, 20, 30, 40]), 1e-12);
        Assert.Equal(-1, KendallTau.Of([1, 2, 3, 4], [4, 3, 2, 1]), 1e-12);
        var rng = new Rng(1);
        for (var round = 0; round < 50; round++)
        {
            double[] x = [.. Enumerable.Range(0, 30).Select(_ => (double)rng.Next(12))];
            double[] y = [.. Enumerable.Range(0, 30).Select(_ => (double)rng.Next(12))];
            Assert.Equal(Slow(x, y), KendallTau.Of(x, y), 1e-9);
        }
    }

    [Fact]
    public void A_ranker_learns_which_class_answers_longer()
    {
        var predictor = new RankedLength();
        var rng = new Rng(3);
        for (var i = 0; i < 3000; i++) predictor.Observe(Of(i, i % 3, ref rng), Length(i % 3, ref rng));

        var (predicted, truth) = (new double[600], new double[600]);
        for (var i = 0; i < 600; i++)
        {
            predicted[i] = predictor.Predict(Of(i, i % 3, ref rng)).Mean;
            truth[i] = Length(i % 3, ref rng);
        }

        Assert.InRange(KendallTau.Of(predicted, truth), 0.6, 1);
    }

    private static Request Of(int id, int c, ref Rng rng) =>
        A.Request(id, 1 + rng.Next(500)) with { Class = new(c), Tenant = new(rng.Next(5)) };

    private static int Length(int c, ref Rng rng) => (c switch { 0 => 20, 1 => 100, _ => 500 }) * (50 + rng.Next(100)) / 100;

    private static double Slow(double[] x, double[] y)
    {
        var (score, pairsX, pairsY) = (0.0, 0.0, 0.0);
        for (var i = 0; i < x.Length; i++)
        {
            for (var j = 0; j < i; j++)
            {
                score += Math.Sign(x[i] - x[j]) * Math.Sign(y[i] - y[j]);
                if (x[i] != x[j]) pairsX++;
                if (y[i] != y[j]) pairsY++;
            }
        }

        return score / Math.Sqrt(pairsX * pairsY);
    }
}
