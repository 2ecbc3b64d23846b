namespace Sluice.Cli.Tests;

public sealed class RateSearchTests
{
    // Latency of an M/M/1 queue with service rate 10: 1 / (10 - rate), within the limit 1 up to rate 9.
    private static double Latency(double rate) => rate < 10 ? 1 / (10 - rate) : double.PositiveInfinity;

    [Theory]
    [InlineData(0.1)]
    [InlineData(9)]
    [InlineData(50)]
    public void The_highest_rate_is_found_from_any_start(double start)
    {
        var found = RateSearch.Highest(start, limit: 1, Latency);

        Assert.InRange(found.Rate, 9 / 1.01, 9);
    }

    [Fact]
    public void Points_ascend_and_hold_the_rate_found_and_one_beyond_the_limit()
    {
        var found = RateSearch.Highest(2, limit: 1, Latency);

        Assert.Equal(found.Points.OrderBy(p => p.Rate), found.Points);
        Assert.Contains(found.Points, p => p.Rate == found.Rate && p.Latency <= 1);
        Assert.Contains(found.Points, p => p.Latency > 1);
    }

    [Fact]
    public void No_rate_is_measured_twice()
    {
        var measured = new List<double>();
        RateSearch.Highest(2, limit: 1, rate =>
        {
            measured.Add(rate);
            return Latency(rate);
        });

        Assert.Equal(measured.Distinct(), measured);
    }
}
