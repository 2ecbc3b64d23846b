using Sluice.Core;

namespace Sluice.Simulation.Tests;

public sealed class ArrivalProcessTests
{
    private static double[] Times(string spec, int count = 100_000, ulong seed = 7)
    {
        var process = ArrivalProcess.Parse(spec, new Rng(seed));
        var times = new double[count];
        for (var i = 0; i < count; i++) times[i] = process.Next().Seconds;
        return times;
    }

    [Theory]
    [InlineData("constant:rate=4", 4, 0)]
    [InlineData("poisson:rate=4", 4, 1)]
    [InlineData("gamma:rate=4,cv=0.5", 4, 0.5)]
    [InlineData("gamma:rate=4,cv=3", 4, 3)]
    public void Renewal_processes_have_their_rate_and_variation(string spec, double rate, double cv)
    {
        var times = Times(spec);
        var gaps = times.Zip([0, .. times], (at, before) => at - before).ToArray();
        var mean = gaps.Average();

        Assert.Equal(1 / rate, mean, 0.03 / rate);
        Assert.Equal(cv, Math.Sqrt(gaps.Average(g => (g - mean) * (g - mean))) / mean, 0.05 * cv + 1e-3);
    }

    [Fact]
    public void On_off_is_silent_in_the_off_spells()
    {
        var times = Times("onoff:rate=10,on=2s,off=3s");
        Assert.All(times, at => Assert.True(at % 5 < 2.0001));
        Assert.Equal(4, times.Length / times[^1], 0.1); // 10/s for 2 s of every 5 s.
    }

    [Fact]
    public void Diurnal_peaks_in_the_first_half_of_its_period()
    {
        var times = Times("diurnal:rate=100,amplitude=0.8,period=100s");
        Assert.Equal(100, times.Length / times[^1], 2.0);

        // The half-wave of the sine holds 1/2 + amplitude/π of the arrivals.
        Assert.Equal(0.5 + 0.8 / Math.PI, times.Count(at => at % 100 < 50) / (double)times.Length, 0.01);
    }

    [Fact]
    public void Equal_seeds_give_equal_times()
    {
        Assert.Equal(Times("gamma:rate=2,cv=2", 100), Times("gamma:rate=2,cv=2", 100));
        Assert.NotEqual(Times("gamma:rate=2,cv=2", 100), Times("gamma:rate=2,cv=2", 100, seed: 8));
    }
}
