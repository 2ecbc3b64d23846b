using Sluice.Core;

namespace Sluice.Policies.Tests;

/// <summary>Who waits is overtaken by tighter promises that go on coming; a second of work is a second here.</summary>
public sealed class OvertakingTests
{
    private const double Hour = 3600;
    private static readonly Throughput s_speed = new(1, 0, 1, 1, 1, Slots: 1, KvTokens: double.MaxValue);
    private readonly Overtaking _overtaking = new();

    [Fact]
    public void A_steady_stream_of_half_the_engine_doubles_the_wait()
    {
        Come(from: 0, to: 3600, everySeconds: 2, work: 1);

        Assert.Equal(200, WaitAt(3600, ahead: 100), 5.0);
    }

    [Fact]
    public void A_burst_counts_in_full_for_a_short_wait_and_little_for_a_long_one()
    {
        Come(from: 0, to: 3000, everySeconds: 10, work: 1);
        Come(from: 3000, to: 3060, everySeconds: 1, work: 0.9);

        Assert.InRange(WaitAt(3060, ahead: 20), 40, 130);
        Assert.InRange(WaitAt(3060, ahead: 600), 660, 900); // At the burst's rate it would be 2,000 s and more.
    }

    [Fact]
    public void Nobody_is_taken_to_go_on_for_longer_than_so_far()
    {
        Come(from: 0, to: 60, everySeconds: 1, work: 0.9);

        Assert.InRange(WaitAt(60, ahead: 100), 140, 160); // 100 s, and the 54 s of work of another minute.
    }

    [Fact]
    public void Wider_promises_overtake_nobody() // And no history costs nothing.
    {
        Assert.Equal(100, WaitAt(60, ahead: 100));
        Come(from: 0, to: 600, everySeconds: 1, work: 0.9, promise: 2 * Hour);

        Assert.Equal(100, WaitAt(600, ahead: 100));
    }

    private void Come(double from, double to, double everySeconds, double work, double promise = 20)
    {
        for (var at = from; at < to; at += everySeconds)
            _overtaking.Observe(default, promise, new Work(work, 0, 0, 0, 0), (long)(at * TimeSpan.TicksPerSecond));
    }

    private double WaitAt(double now, double ahead) =>
        _overtaking.Wait(default, ahead, Hour, slack: Hour, share: 1, in s_speed, (long)(now * TimeSpan.TicksPerSecond));
}
