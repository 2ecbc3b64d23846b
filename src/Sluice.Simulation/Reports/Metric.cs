namespace Sluice.Simulation;

/// <summary>A figure by which runs are compared.</summary>
/// <param name="Name">Column heading, at most 9 characters.</param>
/// <param name="HigherIsBetter">Null when neither is.</param>
internal sealed record Metric(
    string Name, Func<RunSummary, double> Value, Func<double, string> Format, bool? HigherIsBetter)
{
    /// <summary>What every comparison shows, most telling first.</summary>
    public static IReadOnlyList<Metric> Key { get; } =
    [
        new("requests", r => r.All.Requests, Figures.Number, null),
        new("SLO met", r => r.All.Slo == Core.Slo.BestEffort ? double.NaN : r.All.SloAttainment, Figures.Share, true),
        new("goodput/s", r => r.Goodput, Figures.Number, true),
        new("out tok/s", r => r.OutputTokensPerSecond, Figures.Number, true),
        new("TTFT p50", r => r.All.Ttft.P50, Figures.Latency, false),
        new("TTFT p99", r => r.All.Ttft.P99, Figures.Latency, false),
        new("TPOT p50", r => r.All.Tpot.P50, Figures.Latency, false),
        new("TPOT p99", r => r.All.Tpot.P99, Figures.Latency, false),
        new("E2E p99", r => r.All.E2e.P99, Figures.Latency, false),
    ];

    /// <summary>Whether a run has the best value of those it can be held against: the runs at the same value of the axis, or
    /// all of them when there are no others there.</summary>
    public bool IsBest(IReadOnlyList<RunSummary> runs, RunDifferences differences, int run)
    {
        var axis = differences.AxisValues;
        RunSummary[] rivals = [.. runs.Where((_, i) => axis[i] == axis[run])];
        return Value(runs[run]) == Best(rivals.Length > 1 ? rivals : runs);
    }

    /// <summary>NaN when there is nothing to win, because all are equal or none exists.</summary>
    private double Best(IReadOnlyList<RunSummary> runs)
    {
        if (HigherIsBetter is not { } higher) return double.NaN;
        double[] values = [.. runs.Select(Value).Where(double.IsFinite)];
        if (values.Length < 2 || values.Min() == values.Max()) return double.NaN;
        return higher ? values.Max() : values.Min();
    }
}
