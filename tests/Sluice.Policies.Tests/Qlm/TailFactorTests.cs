using Sluice.Core;

namespace Sluice.Policies.Tests;

public sealed class TailFactorTests
{
    [Theory]
    [InlineData(1.0)] // Right in the mean.
    [InlineData(3.0)] // All waits three times what was predicted.
    [InlineData(0.8)]
    public void Nine_waits_in_ten_keep_their_promise_in_the_long_run(double bias)
    {
        const int waits = 20_000;
        var rng = new Rng(5);
        var factor = new TailFactor();
        var kept = 0;
        for (var i = 0; i < waits; i++)
        {
            var estimate = new WaitEstimate(Mean: 10, Deviation: 0.1, Prefill: 0, Decode: 0);
            var actual = 10 * bias * (0.5 + rng.NextDouble());
            if (i >= waits / 4 && actual <= factor.P90(in estimate)) kept++;
            factor.Observe(estimate.Mean, actual, now: i);
        }

        Assert.InRange(kept / (waits * 0.75), 0.88, 0.93);
    }

    [Fact]
    public void A_thousand_waits_through_the_same_minute_are_one_lesson()
    {
        var (crowd, few) = (new TailFactor(), new TailFactor());
        var estimate = new WaitEstimate(Mean: 100, Deviation: 1, Prefill: 0, Decode: 0);
        for (var i = 0; i < 1000; i++) crowd.Observe(mean: 100, actual: 50, now: 1000 + i * 0.01);
        for (var i = 0; i < 20; i++) few.Observe(mean: 100, actual: 50, now: 1000 + i * 100);

        Assert.InRange(crowd.P90(in estimate), 115, 140); // Half as long, but once: still a third more is promised.
        Assert.InRange(few.P90(in estimate), 100, 110); // Never less than the estimate itself.
    }

    [Fact]
    public void A_wide_estimate_is_left_as_it_is_and_short_waits_teach_nothing()
    {
        var factor = new TailFactor();
        for (var i = 0; i < 1000; i++) factor.Observe(mean: 0, actual: 5, now: i);

        var wide = new WaitEstimate(Mean: 10, Deviation: 8, Prefill: 0, Decode: 0);
        Assert.Equal(wide.P90, factor.P90(in wide));
    }
}
