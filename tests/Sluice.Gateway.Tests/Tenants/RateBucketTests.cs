namespace Sluice.Gateway.Tests;

public sealed class RateBucketTests
{
    [Fact]
    public void A_minutes_worth_may_be_taken_at_once_and_then_what_flows_in()
    {
        var clock = new HandClock();
        var bucket = new RateBucket(60, clock);

        bucket.Take(60);
        Assert.Equal(TimeSpan.FromSeconds(1), bucket.Until(1));
        clock.Pass(TimeSpan.FromSeconds(1));

        Assert.Equal((1, TimeSpan.Zero), (bucket.Remaining, bucket.Until(1)));
        Assert.Equal(TimeSpan.FromSeconds(59), bucket.Reset);
    }

    [Fact]
    public void What_was_overdrawn_is_paid_back_first()
    {
        var bucket = new RateBucket(60, new HandClock());

        bucket.Take(90);

        Assert.Equal((0, TimeSpan.FromSeconds(31)), (bucket.Remaining, bucket.Until(1)));
    }

    [Fact]
    public void More_than_a_minutes_worth_waits_for_a_full_bucket()
    {
        var bucket = new RateBucket(60, new HandClock());
        Assert.Equal(TimeSpan.Zero, bucket.Until(1000));

        bucket.Take(1000);
        Assert.Equal(TimeSpan.FromSeconds(1000), bucket.Until(1000));
    }

    [Fact]
    public void It_never_holds_more_than_a_minutes_worth()
    {
        var clock = new HandClock();
        var bucket = new RateBucket(60, clock);
        clock.Pass(TimeSpan.FromHours(1));
        bucket.Take(-10);

        Assert.Equal(60, bucket.Remaining);
    }

    [Theory]
    [InlineData(12, "12ms")]
    [InlineData(0, "0ms")]
    [InlineData(1500, "1.5s")]
    [InlineData(360_000, "6m0s")]
    [InlineData(3_725_000, "62m5s")]
    public void Durations_are_written_as_clients_read_them(int milliseconds, string text) =>
        Assert.Equal(text, RateBucket.Text(TimeSpan.FromMilliseconds(milliseconds)));
}
