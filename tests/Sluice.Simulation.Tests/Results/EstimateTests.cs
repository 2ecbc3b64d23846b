namespace Sluice.Simulation.Tests;

public sealed class EstimateTests
{
    [Fact]
    public void The_interval_is_Students()
    {
        // Mean 3, deviation √2.5, five values: 2.776 · √(2.5 / 5).
        var estimate = Estimate.Of([1, 2, 3, 4, 5]);

        Assert.Equal(3, estimate.Mean);
        Assert.Equal(1.963, estimate.HalfWidth, 3);
    }

    [Theory]
    [InlineData(32, 2.0395)] // 31 degrees of freedom, the first beyond the table.
    [InlineData(101, 1.9840)]
    public void Beyond_the_table_it_goes_on(int values, double quantile)
    {
        double[] drawn = [.. Enumerable.Range(0, values).Select(i => (double)(i % 7))];
        var deviation = Math.Sqrt(drawn.Sum(v => Math.Pow(v - drawn.Average(), 2)) / (values - 1));

        Assert.Equal(quantile, Estimate.Of(drawn).HalfWidth * Math.Sqrt(values) / deviation, 2);
    }

    [Fact]
    public void What_two_share_is_no_doubt_about_their_difference()
    {
        double[] one = [10, 50, 90], other = [11, 51.1, 90.9];

        Assert.True(Estimate.OfDifference(other, one).IsAboveZero);
        Assert.True(Estimate.Of(one).HalfWidth > 50);
    }

    [Fact]
    public void A_single_run_has_no_interval()
    {
        Assert.Equal(double.NaN, Estimate.Of([1]).HalfWidth);
        Assert.True(Estimate.Of([1]).IsAboveZero);
        Assert.False(Estimate.Of([0]).IsAboveZero);
    }
}
