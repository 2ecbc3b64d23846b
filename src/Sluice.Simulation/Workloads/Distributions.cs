using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>Random numbers of the usual laws, drawn from our own generator.</summary>
/// <remarks>They use <see cref="Math.Log(double)"/>, <see cref="Math.Exp(double)"/> and the like, whose last bit may differ
/// between platforms; results are rounded to tokens and ticks, which hides that almost always. All methods take the
/// generator by reference and draw a number of values that depends only on what is drawn.</remarks>
internal static class Distributions
{
    /// <summary>Exponential with mean 1, by inversion; at most 36.7.</summary>
    public static double Exponential(ref Rng rng) => -Math.Log(1 - rng.NextDouble());

    /// <summary>exp(ln <paramref name="median"/> + <paramref name="sigma"/> × normal): mean median × exp(σ²/2).</summary>
    public static double LogNormal(ref Rng rng, double median, double sigma) =>
        median * Math.Exp(sigma * rng.NextNormal());

    /// <summary>Scale 1: mean and variance are both <paramref name="shape"/>.</summary>
    /// <remarks>Source: Marsaglia and Tsang, "A simple method for generating gamma variables" (2000), with their boost
    /// u^(1/shape) for shapes below 1.</remarks>
    public static double Gamma(ref Rng rng, double shape)
    {
        if (shape < 1) return Gamma(ref rng, shape + 1) * Math.Pow(1 - rng.NextDouble(), 1 / shape);

        var d = shape - 1.0 / 3;
        var c = 1 / Math.Sqrt(9 * d);
        while (true)
        {
            var x = rng.NextNormal();
            var v = 1 + c * x;
            if (v <= 0) continue;

            v = v * v * v;
            if (Math.Log(1 - rng.NextDouble()) < 0.5 * x * x + d * (1 - v + Math.Log(v))) return d * v;
        }
    }

    /// <summary>Gamma with mean 1 and this coefficient of variation; 0 gives 1.</summary>
    public static double GammaOfMeanOne(ref Rng rng, double cv)
    {
        if (cv == 0) return 1;

        var shape = 1 / (cv * cv);
        return Gamma(ref rng, shape) / shape;
    }

    /// <summary>Weibull with mean 1 and this shape, by inversion.</summary>
    public static double WeibullOfMeanOne(ref Rng rng, double shape) =>
        Math.Pow(Exponential(ref rng), 1 / shape) / Math.Exp(LogGamma(1 + 1 / shape));

    /// <summary>The Weibull shape whose standard deviation is <paramref name="cv"/> times its mean.</summary>
    /// <remarks>By bisection: the coefficient of variation, √(Γ(1+2/k)/Γ(1+1/k)² − 1), falls as k grows. Held between
    /// the shapes 0.1 (cv 429) and 20 (cv 0.06).</remarks>
    public static double WeibullShape(double cv)
    {
        var (low, high) = (0.1, 20.0);
        var target = Math.Log(1 + cv * cv);
        for (var i = 0; i < 60; i++)
        {
            var shape = (low + high) / 2;
            if (LogGamma(1 + 2 / shape) - 2 * LogGamma(1 + 1 / shape) > target) low = shape;
            else high = shape;
        }

        return (low + high) / 2;
    }

    /// <summary>ln Γ(x) for x of at least 1, to 2e-10 of its value.</summary>
    /// <remarks>Source: Lanczos (1964), g = 5, six terms.</remarks>
    public static double LogGamma(double x)
    {
        ReadOnlySpan<double> terms =
        [
            76.18009172947146, -86.50532032941677, 24.01409824083091, -1.231739572450155, 0.1208650973866179e-2,
            -0.5395239384953e-5,
        ];
        var sum = 1.000000000190015;
        for (var i = 0; i < terms.Length; i++) sum += terms[i] / (x + i + 1);
        return (x + 0.5) * Math.Log(x + 5.5) - (x + 5.5) + Math.Log(2.5066282746310005 * sum / x);
    }
}
