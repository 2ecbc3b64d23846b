namespace Sluice.Simulation;

/// <summary>Cumulative distributions of latencies, one curve per class or run.</summary>
internal static class LatencyPlots
{
    /// <summary>A logarithmic axis where the slowest is this much slower than the fastest.</summary>
    private const double LogSpread = 30;

    /// <summary>Latencies from here on are given in seconds.</summary>
    private const double SecondsFrom = 20_000;

    /// <summary>One curve to draw.</summary>
    /// <param name="PromiseMilliseconds">Drawn as a rule of the same colour; NaN for none.</param>
    public readonly record struct Curve(string Name, Distribution Values, double PromiseMilliseconds, int? Color)
    {
        public bool IsDashed { get; init; }
    }

    public static Plot Make(string title, string symbol, IReadOnlyList<Curve> curves)
    {
        Curve[] drawn = [.. curves.Where(c => c.Values.Count > 0)];
        double[] promises = [.. drawn.Select(c => c.PromiseMilliseconds).Where(p => double.IsFinite(p) && p > 0)];
        var slowest = drawn.Select(c => c.Values.Max).Concat(promises).DefaultIfEmpty(1).Max();
        var fastest = drawn.Select(c => c.Values.Curve[1]).Where(v => v > 0).Concat(promises).DefaultIfEmpty(1).Min();
        var (unit, scale) = slowest >= SecondsFrom ? ("s", 1e-3) : ("ms", 1.0);
        var isLog = slowest > LogSpread * fastest;

        return new()
        {
            Title = title,
            X = new($"{symbol} [{unit}]", IsLog: isLog, Min: isLog ? fastest * scale : 0),
            Y = new("requests at or below", IsShare: true, Min: 0, Max: 1),
            Series = [.. drawn.Select(c => SeriesOf(c, scale))],
            Rules = [.. drawn.Where(c => c.PromiseMilliseconds > 0).Select(c => RuleOf(c, scale)).Distinct()],
        };
    }

    public static double Milliseconds(TimeSpan? promise) =>
        promise is { } p && p != TimeSpan.MaxValue ? p.TotalMilliseconds : double.NaN;

    private static PlotSeries SeriesOf(Curve curve, double scale)
    {
        var values = curve.Values;
        return new(curve.Name, Points(values, scale))
        {
            Detail = $"p50 {Figures.Latency(values.P50)}, p99 {Figures.Latency(values.P99)}",
            Color = curve.Color,
            IsDashed = curve.IsDashed,
            Marks =
            [
                (values.P50 * scale, 0.50, $"{curve.Name}: p50 {Figures.Latency(values.P50)}"),
                (values.P99 * scale, 0.99, $"{curve.Name}: p99 {Figures.Latency(values.P99)}"),
            ],
        };
    }

    /// <summary>A vertical step needs only its ends.</summary>
    private static List<(double X, double Y)> Points(Distribution values, double scale)
    {
        var points = new List<(double X, double Y)>();
        for (var i = 0; i < values.Curve.Length; i++)
        {
            var isInsideStep = i > 0 && i < values.Curve.Length - 1
                && values.Curve[i] == values.Curve[i - 1] && values.Curve[i] == values.Curve[i + 1];
            if (!isInsideStep) points.Add((values.Curve[i] * scale, Distribution.Grid[i]));
        }

        return points;
    }

    private static PlotRule RuleOf(Curve curve, double scale) =>
        new(
            curve.PromiseMilliseconds * scale, $"SLO {curve.Name} {Figures.Latency(curve.PromiseMilliseconds)}",
            Color: curve.Color ?? -1);
}
