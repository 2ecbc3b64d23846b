using Sluice.Core;

namespace Sluice.Simulation.Tests;

/// <summary>Mean and variance of 400,000 draws at a fixed seed against the closed forms, within about four standard
/// errors.</summary>
public sealed class DistributionsTests
{
    private delegate double Draw(ref Rng rng);

    private static void Expect(double mean, double variance, double tolerance, Draw draw)
    {
        const int Count = 400_000;
        var rng = new Rng(42);
        var (sum, squares) = (0.0, 0.0);
        for (var i = 0; i < Count; i++)
        {
            var x = draw(ref rng);
            sum += x;
            squares += (x - mean) * (x - mean);
        }

        Assert.Equal(mean, sum / Count, 4.5 * Math.Sqrt(variance / Count));
        Assert.Equal(variance, squares / Count, variance * tolerance);
    }

    [Fact]
    public void Exponential_has_mean_and_variance_1() =>
        Expect(1, 1, 0.02, static (ref Rng rng) => Distributions.Exponential(ref rng));

    [Fact]
    public void Normal_has_mean_0_and_variance_1() =>
        Expect(0, 1, 0.01, static (ref Rng rng) => rng.NextNormal());

    [Fact]
    public void Lognormal_has_the_mean_of_its_median_and_sigma()
    {
        var mean = 100 * Math.Exp(0.125);
        Expect(mean, mean * mean * (Math.Exp(0.25) - 1), 0.03,
            static (ref Rng rng) => Distributions.LogNormal(ref rng, 100, 0.5));
    }

    [Theory]
    [InlineData(0.3)]
    [InlineData(1)]
    [InlineData(4)]
    public void Gamma_has_mean_and_variance_of_its_shape(double shape) =>
        Expect(shape, shape, 0.03, (ref Rng rng) => Distributions.Gamma(ref rng, shape));

    [Theory]
    [InlineData(0.5)]
    [InlineData(2)]
    [InlineData(5)]
    public void Gamma_of_mean_one_has_the_variation_asked_for(double cv) =>
        Expect(1, cv * cv, 0.1, (ref Rng rng) => Distributions.GammaOfMeanOne(ref rng, cv));

    [Theory]
    [InlineData(0.5)]
    [InlineData(1)]
    [InlineData(3)]
    public void Weibull_of_mean_one_has_the_variation_asked_for(double cv)
    {
        var shape = Distributions.WeibullShape(cv);
        Expect(1, cv * cv, 0.1, (ref Rng rng) => Distributions.WeibullOfMeanOne(ref rng, shape));
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(2, 0)]
    [InlineData(5, 3.1780538303479458)]
    [InlineData(10.5, 13.940625219403763)]
    public void Log_gamma_is_known_at_these_points(double x, double expected) =>
        Assert.Equal(expected, Distributions.LogGamma(x), 1e-9);
}
