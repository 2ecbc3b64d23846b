using Sluice.Core;

namespace Sluice.Gateway;

/// <summary>What came of the requests of one model and class.</summary>
public sealed class ClassStats(string model, string className)
{
    /// <summary>Buckets of the OpenTelemetry conventions for time to first token [s], and some more for queues.</summary>
    private static readonly double[] s_seconds =
        [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30, 60, 300, 1800, 7200];

    private static readonly double[] s_perToken = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5];

    public string Model { get; } = model;
    public string Class { get; } = className;
    public long Queued { get; internal set; }
    public long Rejected { get; internal set; }
    public long Finished { get; internal set; }
    public long Cancelled { get; internal set; }
    public long Failed { get; internal set; }
    public long Evictions { get; internal set; }
    public long Moves { get; internal set; }

    /// <summary>Finished with every promise kept.</summary>
    public long Met { get; internal set; }
    public long PromptTokens { get; internal set; }
    public long OutputTokens { get; internal set; }
    public BucketHistogram Wait { get; } = new(s_seconds);
    public BucketHistogram Ttft { get; } = new(s_seconds);
    public BucketHistogram PerToken { get; } = new(s_perToken);
    public BucketHistogram Duration { get; } = new(s_seconds);

    /// <summary>Ended one way or another, refused ones included.</summary>
    public long Ended => Finished + Cancelled + Failed + Rejected;
}

/// <summary>A wait as it was predicted when the request was queued, and as it came out [s].</summary>
public readonly record struct WaitSample(double PredictedMean, double PredictedP90, double Actual);

/// <summary>Counts what happens to requests, from the loop's own events: for metrics and the dashboard.</summary>
/// <remarks>Written on the loop's writer only; read from anywhere, a moment late.</remarks>
public sealed class RequestStats : IEventSink
{
    private const int WaitsMax = 512;

    private readonly DispatcherLoop _loop;
    private readonly GatewayServices _gateway;
    private readonly Dictionary<(string Model, int Class), ClassStats> _byKey = [];
    private readonly WaitSample[] _waits = new WaitSample[WaitsMax];
    private volatile ClassStats[] _all = [];
    private int _nextWait;

    public RequestStats(GatewayServices gateway)
    {
        (_gateway, _loop) = (gateway, gateway.Loop);
        _loop.Events.Add(this);
    }

    public IReadOnlyList<ClassStats> All => _all;
    public long ModelLoads { get; private set; }
    public long EnginesLost { get; private set; }

    /// <summary>The newest waits, in no particular order.</summary>
    public IReadOnlyList<WaitSample> Waits => _waits[..Math.Min(_nextWait, WaitsMax)];

    public void Emit(in SluiceEvent e)
    {
        switch (e.Kind)
        {
            case EventKind.ModelLoaded:
                ModelLoads++;
                return;
            case EventKind.EngineLost:
                EnginesLost++;
                return;
        }

        if (_loop.Find(e.Request) is { } live) Count(in e, live, Of(live.Call.Model, live.Call.Class));
    }

    private void Count(in SluiceEvent e, LiveRequest live, ClassStats stats)
    {
        switch (e.Kind)
        {
            case EventKind.Queued:
                stats.Queued++;
                stats.PromptTokens += e.Amount;
                break;
            case EventKind.Dispatched when live.Attempt == 0:
                CountWait(e.At, live, stats);
                break;
            case EventKind.Rejected:
                stats.Rejected++;
                break;
            case EventKind.FirstToken:
                stats.Ttft.Add((e.At - live.ArrivedAt).TotalSeconds);
                break;
            case EventKind.Evicted when live.IsEvicted:
                stats.Evictions++;
                break;
            case EventKind.Migrated:
                stats.Moves++;
                break;
            case EventKind.Cancelled:
                stats.Cancelled++;
                stats.OutputTokens += e.Amount;
                break;
            case EventKind.Failed:
                stats.Failed++;
                break;
            case EventKind.Finished:
                CountFinished(in e, live, stats);
                break;
        }
    }

    private void CountWait(Instant now, LiveRequest live, ClassStats stats)
    {
        var wait = (now - live.ArrivedAt).TotalSeconds;
        stats.Wait.Add(wait);
        if (live.Forecast is not { } forecast) return;
        _waits[_nextWait++ % WaitsMax] = new(forecast.Mean, forecast.P90, wait);
        if (_nextWait == 2 * WaitsMax) _nextWait = WaitsMax;
    }

    private static void CountFinished(in SluiceEvent e, LiveRequest live, ClassStats stats)
    {
        stats.Finished++;
        stats.OutputTokens += e.Amount;
        stats.Duration.Add((e.At - live.ArrivedAt).TotalSeconds);
        var first = live.FirstTokenAt == Instant.Never ? e.At : live.FirstTokenAt;
        if (e.Amount > 1) stats.PerToken.Add((e.At - first).TotalSeconds / (e.Amount - 1));
        if (IsMet(live, first, e.At, e.Amount)) stats.Met++;
    }

    /// <summary>The rule of the simulator's <see cref="Simulation.Promises"/>, on live requests. An answer that its engine gives whole
    /// shows no first token: it has kept its promises if it is there when a stream that kept them would have ended; where no pace was
    /// promised, its wait counts as its time to first token.</summary>
    internal static bool IsMet(LiveRequest live, Instant firstToken, Instant ended, int outputTokens)
    {
        var slo = live.Call.Slo;
        if (!live.Call.Stream)
        {
            if (slo.Ttft == TimeSpan.MaxValue || slo.Tpot == TimeSpan.MaxValue)
                return IsWithin(live.Wait, slo.Ttft) && IsWithin(ended - live.ArrivedAt, slo.E2e);
            return IsWithin(ended - live.ArrivedAt, slo.Ttft + slo.Tpot * outputTokens) && IsWithin(ended - live.ArrivedAt, slo.E2e);
        }

        return IsWithin(firstToken - live.ArrivedAt, slo.Ttft) && IsWithin(ended - live.ArrivedAt, slo.E2e)
            && (outputTokens <= 1 || IsWithin((ended - firstToken) / (outputTokens - 1), slo.Tpot));

        static bool IsWithin(TimeSpan span, TimeSpan promise) => promise == TimeSpan.MaxValue || span <= promise;
    }

    private ClassStats Of(string model, ClassId ofClass)
    {
        if (_byKey.TryGetValue((model, ofClass.Index), out var stats)) return stats;
        stats = new(model, _gateway.Options.Classes[ofClass].Name);
        _byKey.Add((model, ofClass.Index), stats);
        _all = [.. _all, stats];
        return stats;
    }
}
