using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>The four latencies of a set of finished requests.</summary>
internal readonly record struct Latencies(Distribution Ttft, Distribution Tpot, Distribution E2e, Distribution Queue)
{
    public static Latencies None => new(Distribution.Empty, Distribution.Empty, Distribution.Empty, Distribution.Empty);
}

/// <summary>Turns columns of the log into distributions: fills one column, sorts it, reads it off. Two scratch columns
/// serve every metric of every group.</summary>
internal sealed class LatencyReader(RequestLog log)
{
    /// <summary>TPOT divides a span by a count; thousandths of a tick keep what that leaves.</summary>
    internal const long TpotUnitsPerTick = 1000;

    private readonly long[] _values = new long[log.Count];
    private readonly long[] _scratch = new long[log.Count];

    /// <param name="finished">Indices of finished requests.</param>
    public Latencies Read(ReadOnlySpan<int> finished)
    {
        var n = 0;
        foreach (var i in finished) _values[n++] = log.FirstToken[i] - log.Arrival[i];
        var ttft = Sorted(n, TimeSpan.TicksPerMillisecond);

        n = 0;
        foreach (var i in finished) _values[n++] = log.Ended[i] - log.Arrival[i];
        var e2e = Sorted(n, TimeSpan.TicksPerMillisecond);

        n = 0;
        foreach (var i in finished)
            if (log.Started[i] >= 0) _values[n++] = log.Started[i] - log.Arrival[i];
        var queue = Sorted(n, TimeSpan.TicksPerMillisecond);

        n = 0;
        foreach (var i in finished)
            if (log.OutputTokens[i] > 1) _values[n++] = TpotUnits(log, i);
        var tpot = Sorted(n, TimeSpan.TicksPerMillisecond * TpotUnitsPerTick);

        return new(ttft, tpot, e2e, queue);
    }

    /// <summary>Rounded to the nearest thousandth of a tick.</summary>
    internal static long TpotUnits(RequestLog log, int i)
    {
        var gaps = log.OutputTokens[i] - 1;
        return ((log.Ended[i] - log.FirstToken[i]) * TpotUnitsPerTick + gaps / 2) / gaps;
    }

    private Distribution Sorted(int count, double unitsPerMillisecond)
    {
        var values = _values.AsSpan(0, count);
        RadixSort.Sort(values, _scratch);
        return Distribution.OfSorted(values, unitsPerMillisecond);
    }
}
