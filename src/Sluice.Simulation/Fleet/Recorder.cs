using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>Writes each request's fate into the log and every event into the fingerprint.</summary>
internal sealed class Recorder(RequestLog log, Workload workload) : IEventSink, IReaderLagSink
{
    private Fingerprint _fingerprint = new();
    private SimulatedEngine[] _engines = [];

    public IEventSink? Observer { get; set; }
    public ulong Fingerprint => _fingerprint.Value;
    public long Finished { get; private set; }
    public long Rejected { get; private set; }
    public long Cancelled { get; private set; }
    public long Failed { get; private set; }
    public long ModelLoads { get; private set; }
    public long Evictions { get; private set; }

    /// <summary>Instant at which the last answer of the event just emitted reached its caller.</summary>
    public Instant DeliveredAt { get; private set; }

    public void Attach(SimulatedEngine[] engines) => _engines = engines;

    public void Emit(in SluiceEvent e)
    {
        _fingerprint.Add(in e);
        var id = (int)e.Request.Value;
        switch (e.Kind)
        {
            case EventKind.Queued:
                log.Arrival[id] = e.At.Ticks;
                break;
            case EventKind.Dispatched:
                log.Dispatched[id] = e.At.Ticks;
                log.Engine[id] = (short)e.Engine.Index;
                break;
            case EventKind.Started:
                if (log.Started[id] < 0) log.Started[id] = e.At.Ticks;
                log.CachedPromptTokens[id] = e.Amount;
                break;
            case EventKind.FirstToken:
                if (log.FirstToken[id] < 0) log.FirstToken[id] = Delivered(in e, 1);
                break;
            case EventKind.Preempted or EventKind.SwappedOut:
                log.Preemptions[id]++;
                break;
            case EventKind.Finished:
                DeliveredAt = new(Math.Max(Delivered(in e, e.Amount), log.FirstToken[id])); // Tokens arrive in order.
                if (log.FirstToken[id] < 0) log.FirstToken[id] = DeliveredAt.Ticks;
                End(id, DeliveredAt.Ticks, e.Amount, Outcome.Finished);
                Finished++;
                break;
            case EventKind.Relegated:
                log.Relegated[id] = true;
                break;
            case EventKind.Declined when log.Declines[id] < byte.MaxValue:
                log.Declines[id]++;
                break;
            case EventKind.ModelLoaded:
                ModelLoads++;
                break;
            case EventKind.Evicted:
                Evictions++;
                break;
            case EventKind.Rejected:
                log.Arrival[id] = e.At.Ticks;
                End(id, e.At.Ticks, 0, Outcome.Rejected);
                Rejected++;
                break;
            case EventKind.Cancelled:
                End(id, e.At.Ticks, e.Amount, Outcome.Cancelled);
                Cancelled++;
                break;
            case EventKind.Failed:
                End(id, e.At.Ticks, 0, Outcome.Failed);
                Failed++;
                break;
        }

        Observer?.Emit(in e);
    }

    public void OnLag(RequestId request, long lagTicks)
    {
        ref var lag = ref log.LagTicks[(int)request.Value];
        lag = Math.Max(lag, lagTicks);
    }

    private long Delivered(in SluiceEvent e, int outputTokens) =>
        e.At.Ticks +
        _engines[e.Engine.Index].DeliveryTicks(workload.Requests[(int)e.Request.Value].PromptTokens + outputTokens);

    private void End(int id, long ticks, int outputTokens, Outcome outcome)
    {
        Check.That(log.Outcome[id] == Outcome.Unfinished); // Every request ends once.
        log.Ended[id] = ticks;
        log.OutputTokens[id] = outputTokens;
        log.Outcome[id] = outcome;
    }
}
