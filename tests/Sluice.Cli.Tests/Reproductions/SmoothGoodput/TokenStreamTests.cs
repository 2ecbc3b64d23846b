using Sluice.Core;
using Sluice.Simulation;

namespace Sluice.Cli.Tests;

public sealed class TokenStreamTests
{
    private const double Pace = 0.2;

    [Fact]
    public void Held_back_the_longest_gap_shrinks_and_the_reader_idles_as_before()
    {
        double[] times = [0, 0.010, 0.020, 0.200];
        var held = TokenStream.HeldBack(times, 0.200 / 3);

        Assert.Equal(0.180, TokenStream.LongestGap(times), 9);
        Assert.Equal(0.0667, TokenStream.LongestGap(held), 4);
        Assert.Equal(0.200, held[^1], 9);
        Assert.Equal(TokenStream.Idle(times, 0, 0.05), TokenStream.Idle(held, 0, 0.05), 9);
    }

    /// <summary>Whatever the interval: nothing leaves early, so no token is less late.</summary>
    [Theory]
    [InlineData(0.05)]
    [InlineData(0.15)]
    [InlineData(0.4)]
    public void Holding_back_never_lowers_idling(double interval)
    {
        var rng = new Rng(7);
        for (var n = 0; n < 200; n++)
        {
            var times = Draw(ref rng);
            var held = TokenStream.HeldBack(times, interval);

            Assert.All(times.Zip(held), p => Assert.True(p.Second >= p.First));
            Assert.True(TokenStream.Idle(held, Pace, Pace) >= TokenStream.Idle(times, Pace, Pace));
        }
    }

    /// <summary>A reader who stops when starved and goes on at the same pace stalls, in all, for the greatest
    /// lateness.</summary>
    [Fact]
    public void Idling_is_what_a_reader_stalls_in_all()
    {
        var rng = new Rng(11);
        for (var n = 0; n < 200; n++)
        {
            var times = Draw(ref rng);
            var (reads, stalled) = (times[0], 0.0);
            foreach (var at in times.Skip(1))
            {
                stalled += Math.Max(0, at - (reads + Pace));
                reads = Math.Max(at, reads + Pace);
            }

            Assert.Equal(stalled, TokenStream.Idle(times, times[0], Pace), 9);
        }
    }

    [Fact]
    public void Drawn_streams_gain_attainment_and_no_worth()
    {
        var held = HoldBack.Of(new ReaderModel(), 200, new Rng(3));

        Assert.True(held.WithinHeld > held.Within);
        Assert.Equal(0, held.Gained);
        Assert.Equal(held.Worth, held.WorthHeld, 6); // Held back for less than a token's time.
    }

    private static double[] Draw(ref Rng rng)
    {
        var times = new double[1 + rng.Next(60)];
        var at = 0.0;
        for (var i = 0; i < times.Length; i++) times[i] = at += rng.NextDouble() * (rng.Next(10) == 0 ? 3 : 0.2);
        return times;
    }
}
