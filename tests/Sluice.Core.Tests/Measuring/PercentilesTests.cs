namespace Sluice.Core.Tests;

public sealed class PercentilesTests
{
    [Theory]
    [InlineData(0.50, 3)]
    [InlineData(0.90, 5)]
    [InlineData(0.20, 1)]
    [InlineData(0.21, 2)]
    [InlineData(0, 1)]
    [InlineData(1, 5)]
    public void Rank_of_five_values_rounds_up(double quantile, long rank) =>
        Assert.Equal(rank, Percentiles.RankOf(quantile, 5));

    [Fact]
    public void Rank_is_exact_for_every_percent_of_a_hundred()
    {
        for (var percent = 1; percent <= 100; percent++) Assert.Equal(percent, Percentiles.RankOf(percent / 100.0, 100));
    }

    [Fact]
    public void Percentile_is_always_one_of_the_values() =>
        Assert.Equal(20, Percentiles.NearestRank<int>([10, 20, 30, 40], 0.5));

    [Fact]
    public void Percentile_of_nothing_is_a_bug() =>
        Assert.Throws<InvariantException>(() => Percentiles.NearestRank<int>([], 0.5));
}
