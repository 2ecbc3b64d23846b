namespace Sluice.Cli.Tests;

public sealed class RateCurveTests
{
    [Fact]
    public void The_peak_is_the_lowest_of_equal_rates() =>
        Assert.Equal(2, RateCurve.Peak([(1, 5), (2, 9), (3, 9), (4, 1)]));

    [Theory]
    [InlineData(new double[] { 1, 5, 9, 3 }, true)]
    [InlineData(new double[] { 1, 5, 4.95, 9, 3 }, true)]
    [InlineData(new double[] { 1, 5, 2, 9, 3 }, false)]
    [InlineData(new double[] { 1, 9, 3, 5 }, false)]
    public void A_second_peak_is_seen_but_not_a_ripple(double[] values, bool expected) =>
        Assert.Equal(expected, RateCurve.HasSinglePeak([.. values.Select((v, i) => ((double)i, v))], slack: 0.02));

    [Fact]
    public void A_limit_is_passed_for_good_where_it_is_not_met_again()
    {
        Assert.Equal(4, RateCurve.Exceeds([(1, 0), (2, 7), (3, 0), (4, 3), (5, 9)], 1));
        Assert.True(double.IsNaN(RateCurve.Exceeds([(1, 5), (2, 0)], 1)));
    }
}
