using Sluice.Core;

namespace Sluice.Simulation.Tests;

public sealed class LawTests
{
    [Theory]
    [InlineData("512", 512, 0)]
    [InlineData("uniform(100, 300)", 200, 0.01)]
    [InlineData("exp(150)", 150, 0.01)]
    [InlineData("lognormal(100,0.5)", 113.3, 0.01)]
    [InlineData("lognormal(mean=400,cv=1.5)", 400, 0.02)]
    [InlineData("powerlaw(128)", 128, 0.04)]
    [InlineData("powerlaw(512,1.15)", 512, 0.01)]
    public void Draws_have_the_mean(string text, double mean, double tolerance)
    {
        var rng = new Rng(9);
        var law = Law.TryParse(text)!;
        var sum = 0.0;
        for (var i = 0; i < 200_000; i++) sum += law.DrawTokens(ref rng);
        Assert.Equal(mean, sum / 200_000, mean * tolerance + 0.001);
    }

    /// <summary>The published quantiles come from one sample of 10,000, hence the wide bounds.</summary>
    [Theory]
    [InlineData(128, 38, 1464)]
    [InlineData(256, 32, 4208)]
    [InlineData(512, 55, 5166)]
    public void Power_law_is_shaped_as_in_llumnix(double mean, double p50, double p99)
    {
        var rng = new Rng(11);
        var law = new PowerLaw(mean, PowerLaw.UsualAlpha(mean));
        var drawn = new double[10_000];
        for (var i = 0; i < drawn.Length; i++) drawn[i] = law.Draw(ref rng);
        Array.Sort(drawn);

        Assert.InRange(drawn[5000], p50 * 0.75, p50 * 1.25);
        Assert.InRange(drawn[9900], p99 * 0.75, p99 * 1.25);
    }

    [Fact]
    public void Durations_are_read_where_time_is_drawn()
    {
        var rng = new Rng(1);
        Assert.Equal(0.05, Law.TryParse("50ms", durations: true)!.Draw(ref rng));
        Assert.InRange(Law.TryParse("uniform(1s,1m)", durations: true)!.Draw(ref rng), 1, 60);
    }

    [Theory]
    [InlineData("")]
    [InlineData("abc")]
    [InlineData("-5")]
    [InlineData("NaN")]
    [InlineData("uniform(3)")]
    [InlineData("uniform(3,1)")]
    [InlineData("exp(1,2)")]
    [InlineData("lognormal(0,1)")]
    [InlineData("lognormal(mean=5)")]
    [InlineData("powerlaw(0)")]
    [InlineData("normal(5,1)")]
    [InlineData("exp(5")]
    public void What_is_no_law_is_refused(string text) => Assert.Null(Law.TryParse(text));
}
