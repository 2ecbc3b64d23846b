using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>TTFT, TPOT and E2E of the requests of one run [ms].</summary>
internal sealed class RunLatencies
{
    private readonly List<double>[] _values = [[], [], []];
    private bool _isSorted;

    public int Count => Of(LatencyMetric.Ttft).Count;

    public void Add(double ttft, double e2e, int outputTokens)
    {
        Of(LatencyMetric.Ttft).Add(ttft);
        Of(LatencyMetric.E2e).Add(e2e);
        if (outputTokens > 1) Of(LatencyMetric.Tpot).Add((e2e - ttft) / (outputTokens - 1));
        _isSorted = false;
    }

    /// <summary>The finished requests of a simulated run.</summary>
    public static RunLatencies From(RequestLog log, Range counted)
    {
        var latencies = new RunLatencies();
        var (from, count) = counted.GetOffsetAndLength(log.Count);
        for (var i = from; i < from + count; i++)
        {
            if (log.Outcome[i] != Outcome.Finished) continue;
            latencies.Add(Milliseconds(log.FirstToken[i]), Milliseconds(log.Ended[i]), log.OutputTokens[i]);

            double Milliseconds(long at) => (at - log.Arrival[i]) / (double)TimeSpan.TicksPerMillisecond;
        }

        return latencies;
    }

    /// <summary>Percentiles are the least value with at least that share of all values at or below it. NaN when there are
    /// none.</summary>
    public double Value(LatencyMetric metric, LatencyStatistic statistic)
    {
        var values = Of(metric);
        if (values.Count == 0) return double.NaN;
        if (statistic == LatencyStatistic.Mean) return values.Average();

        if (!_isSorted) Array.ForEach(_values, static v => v.Sort());
        _isSorted = true;
        var percent = statistic switch
        {
            LatencyStatistic.P50 => 50,
            LatencyStatistic.P90 => 90,
            LatencyStatistic.P99 => 99,
            _ => throw new InvariantException($"unmapped {statistic}"),
        };
        return values[(values.Count * percent + 99) / 100 - 1];
    }

    /// <summary>Mean, p50, p90 and p99 of all three.</summary>
    public IReadOnlyList<MeasuredValue> All() =>
    [
        .. from metric in Enum.GetValues<LatencyMetric>()
           from statistic in Enum.GetValues<LatencyStatistic>()
           select new MeasuredValue(metric, statistic, Value(metric, statistic)),
    ];

    private List<double> Of(LatencyMetric metric) => _values[(int)metric];
}
