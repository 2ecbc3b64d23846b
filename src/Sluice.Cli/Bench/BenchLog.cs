using Sluice.Simulation;

namespace Sluice.Cli;

/// <summary>What came of a run, request by request.</summary>
public sealed class BenchLog(Workload workload)
{
    private readonly Lock _lock = new();
    private readonly List<BenchCall> _calls = [];
    private readonly List<double> _gaps = [];
    private readonly List<long> _tokensBySecond = [];
    private int _underWay;

    public Workload Workload => workload;

    /// <summary>In the order in which they ended.</summary>
    public IReadOnlyList<BenchCall> Calls => _calls;

    /// <summary>Times between tokens, all requests together [ms].</summary>
    public IReadOnlyList<double> GapsMilliseconds => _gaps;

    public TimeSpan Duration { get; set; }
    public bool WasStopped { get; set; }

    /// <summary>Most requests that were under way at once.</summary>
    public int ConcurrencyPeak { get; private set; }

    /// <summary>Most tokens in a whole second of the run.</summary>
    public long TokensPerSecondPeak
    {
        get
        {
            lock (_lock) return _tokensBySecond.DefaultIfEmpty(0).Max();
        }
    }

    public void Begin()
    {
        lock (_lock) ConcurrencyPeak = Math.Max(ConcurrencyPeak, ++_underWay);
    }

    public void AddTokens(TimeSpan at, int tokens, double gapMilliseconds)
    {
        lock (_lock)
        {
            var second = (int)at.TotalSeconds;
            while (_tokensBySecond.Count <= second) _tokensBySecond.Add(0);
            _tokensBySecond[second] += tokens;
            if (!double.IsNaN(gapMilliseconds)) _gaps.Add(gapMilliseconds);
        }
    }

    public void End(BenchCall call)
    {
        lock (_lock)
        {
            _underWay--;
            _calls.Add(call);
        }
    }

    /// <summary>It was given up because the run was.</summary>
    public void Drop()
    {
        lock (_lock) _underWay--;
    }
}
