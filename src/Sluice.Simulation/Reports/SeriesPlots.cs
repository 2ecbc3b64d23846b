namespace Sluice.Simulation;

/// <summary>The state of the fleet over time: queue, KV use, tokens per second.</summary>
internal static class SeriesPlots
{
    /// <summary>More points than this cannot be told apart on a page.</summary>
    private const int PointsMax = 360;

    public static IEnumerable<Plot> Make(TimeSeries series)
    {
        var samples = series.Samples;
        if (samples.Count < 2) yield break;

        var (unit, ticks) = UnitOf(samples[^1].AtTicks - samples[0].AtTicks);
        var time = new PlotAxis($"virtual time [{unit}]", Min: samples[0].AtTicks / ticks, Max: samples[^1].AtTicks / ticks);
        yield return new()
        {
            Title = "Requests waiting and running",
            X = time,
            Y = new("requests"),
            Series =
            [
                new("waiting", Points(samples, ticks, g => g.Max(s => s.Waiting))) { Color = 1 },
                new("running", Points(samples, ticks, g => g.Max(s => s.Running))) { Color = 0 },
            ],
        };
        yield return new()
        {
            Title = "KV cache",
            X = time,
            Y = new("share of KV blocks", IsShare: true, Min: 0, Max: 1),
            Series =
            [
                new("blocks taken", Points(samples, ticks, g => g.Average(s => s.KvUsed))) { Color = 0 },
                new("slots with a computed token", Points(samples, ticks, g => g.Average(s => s.KvLive))) { Color = 2 },
            ],
        };
        yield return new()
        {
            Title = "Output tokens per second",
            X = time,
            Y = new("output tokens per second"),
            Series = [new("output tokens", Rates(samples, ticks)) { Color = 2 }],
        };
    }

    internal static (string Unit, double Ticks) UnitOf(long spanTicks) => spanTicks switch
    {
        < 2 * TimeSpan.TicksPerSecond => ("ms", TimeSpan.TicksPerMillisecond),
        < 5 * TimeSpan.TicksPerMinute => ("s", TimeSpan.TicksPerSecond),
        < 5 * TimeSpan.TicksPerHour => ("min", TimeSpan.TicksPerMinute),
        < 5 * TimeSpan.TicksPerDay => ("h", TimeSpan.TicksPerHour),
        _ => ("days", TimeSpan.TicksPerDay),
    };

    private static (double X, double Y)[] Points(
        IReadOnlyList<Sample> samples, double ticks, Func<IEnumerable<Sample>, double> reduce) =>
        [.. samples.Chunk(ChunkOf(samples)).Select(chunk => (chunk[0].AtTicks / ticks, reduce(chunk)))];

    /// <summary>Over intervals of several samples, so that single steps do not show as noise.</summary>
    private static (double X, double Y)[] Rates(IReadOnlyList<Sample> samples, double ticks)
    {
        var every = Math.Max(1, samples.Count / 120);
        var points = new List<(double X, double Y)>();
        for (var i = every; i < samples.Count; i += every)
        {
            var (from, to) = (samples[i - every], samples[i]);
            var seconds = (to.AtTicks - from.AtTicks) / (double)TimeSpan.TicksPerSecond;
            if (seconds > 0) points.Add((to.AtTicks / ticks, (to.OutputTokens - from.OutputTokens) / seconds));
        }

        return [.. points];
    }

    private static int ChunkOf(IReadOnlyList<Sample> samples) => (samples.Count + PointsMax - 1) / PointsMax;
}
