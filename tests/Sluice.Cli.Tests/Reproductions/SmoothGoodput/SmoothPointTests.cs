using Sluice.Core;
using Sluice.Simulation;

namespace Sluice.Cli.Tests;

/// <summary>The experiments in small: minutes of traffic, a few rates.</summary>
public sealed class SmoothPointTests
{
    private static readonly double[] s_rates = [4, 8, 12, 16, 20, 26, 32];
    private static readonly TimeSpan s_time = TimeSpan.FromSeconds(200);

    [Fact]
    public void Smooth_goodput_has_one_peak_and_a_larger_penalty_moves_it_down()
    {
        double[] penalties = [0, 1, 2.5, 20];
        var points = s_rates.Select(rate => (rate, Point: Run(rate, penalties))).ToArray();
        var peaks = penalties.Select(a => RateCurve.Peak(Curve(a))).ToArray();

        Assert.True(RateCurve.HasSinglePeak(Curve(2.5), slack: 0.02));
        Assert.Equal(s_rates[^1], peaks[0]); // Without a penalty more requests are always more tokens.
        Assert.Equal(peaks.OrderDescending(), peaks);
        Assert.True(peaks[^1] < peaks[1]);
        Assert.All(points, p => Assert.Equal(p.Point.Tokens, p.Point.Worth[0], 6));

        (double, double)[] Curve(double penalty) => [.. points.Select(p => (p.rate, p.Point.Worth[penalty]))];
    }

    [Fact]
    public void Dropping_late_requests_gains_goodput_and_loses_smooth_goodput()
    {
        var late = Run(22, [2.5], time: TimeSpan.FromSeconds(120), slo: "ttft=1s,tpot=200ms");
        var dropped = Run(22, [2.5], TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(120), "ttft=1s,tpot=200ms");

        Assert.True(dropped.Dropped > 0.05);
        Assert.True(dropped.Goodput > 2 * late.Goodput);
        Assert.True(dropped.Unpunished < late.Worth[2.5]);
        Assert.True(dropped.Worth[2.5] < dropped.Unpunished);
    }

    private static SmoothPoint Run(
        double rate, double[] penalties, TimeSpan? patience = null, TimeSpan? time = null, string? slo = null)
    {
        var window = time ?? s_time;
        var load = new PoissonLoad("test", "lengths=sharegpt,max-total=4096", 10_000, 5, static (p, o) => (p, o), slo);
        var run = Trial.Run(load.At(rate, window), new Contender("", "vllm-v1").Make(), new SimulationOptions
        {
            Engines = [ProfileCatalog.Find("llama-3.1-8b@a100")], Patience = patience,
        });
        return SmoothPoint.Of(run, penalties, window.TotalSeconds, abandons: patience is not null);
    }
}
