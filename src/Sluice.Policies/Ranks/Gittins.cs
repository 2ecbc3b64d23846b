using Sluice.Core;

namespace Sluice.Policies;

/// <summary>Gittins' index: first whoever is most likely to end soon for the service it takes to find out.</summary>
/// <remarks>
/// Rank 1/G(a), G(a) = sup over D of P(X − a ≤ D | X &gt; a) / E[min(X − a, D) | X &gt; a], with X log-normal of the predicted mean and
/// variance; optimal for the mean response on one server when only the distribution is known (Gittins, 1989; in the frame of
/// SOAP, 2018). Without variance X is known and the rank is what is left. D is tried at twelve lengths from 1 token to 2¹¹, and the
/// expectation is a sum over these. Ranks are kept until the age changes, so that waiting costs nothing. O(12) normal integrals per
/// token.
/// </remarks>
public sealed class Gittins : IRank
{
    private const int Lengths = 12;

    public bool IsStable => false;

    public double Of(in RankView view) => Of(view.Predicted, view.Age);

    public static double Of(TokenEstimate predicted, int age)
    {
        if (predicted.Variance <= 0 || predicted.Mean <= 0) return predicted.Mean - age;

        var sigma2 = Math.Log(1 + predicted.Variance / (predicted.Mean * predicted.Mean));
        var (mu, sigma) = (Math.Log(predicted.Mean) - sigma2 / 2, Math.Sqrt(sigma2));
        var beyond = Tail(age);
        if (beyond < 1e-12) return 1e6 + age; // Far past what the distribution knows.

        var (best, service, last) = (0.0, 0.0, 0.0);
        var still = 1.0;
        for (var i = 0; i < Lengths; i++)
        {
            var length = (double)(1 << i);
            var left = Tail(age + length) / beyond;
            service += (length - last) * (still + left) / 2; // The mean time served is the integral of who is still there.
            (last, still) = (length, left);
            best = Math.Max(best, (1 - left) / service);
        }

        return best <= 0 ? double.MaxValue : 1 / best;

        double Tail(double x) => x <= 0 ? 1 : Normal((mu - Math.Log(x)) / sigma);
    }

    /// <summary>The standard normal distribution function.</summary>
    /// <remarks>Source: Abramowitz and Stegun, 26.2.17; absolute error below 7.5 × 10⁻⁸.</remarks>
    private static double Normal(double x)
    {
        var t = 1 / (1 + 0.2316419 * Math.Abs(x));
        var tail = 0.3989422804014327 * Math.Exp(-x * x / 2)
            * t * (0.319381530 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
        return x >= 0 ? 1 - tail : tail;
    }
}
