namespace Sluice.Core.Tests;

public sealed class NormalQuantileTests
{
    [Theory]
    [InlineData(0.5, 0)]
    [InlineData(0.95, 1.6448536269514722)]
    [InlineData(0.99, 2.3263478740408408)]
    [InlineData(0.001, -3.090232306167813)]
    public void Known_values_are_met(double p, double expected) => Assert.Equal(expected, NormalQuantile.Of(p), 1e-7);

    [Fact]
    public void An_estimate_without_variance_is_its_mean() => Assert.Equal(7, new TokenEstimate(7, 0).Quantile(0.95));
}
