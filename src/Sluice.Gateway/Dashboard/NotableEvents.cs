using Sluice.Core;

namespace Sluice.Gateway;

/// <summary>What somebody who watches wants to see happen: evictions, model loads, engines that come and go, refusals.</summary>
/// <param name="Engine">Its name; empty for what concerns none.</param>
/// <param name="What">evicted, moved, loaded, load failed, lost, joined, rejected or failed.</param>
/// <param name="Subject">The request's own id, or the model.</param>
public sealed record NotableEvent(long Number, Instant At, string What, string Engine, string Subject);

/// <summary>The newest notable events. Written on the loop's writer, read from anywhere.</summary>
public sealed class NotableEvents : IEventSink
{
    private const int Max = 200;

    private readonly DispatcherLoop _loop;
    private readonly Lock _gate = new();
    private readonly Queue<NotableEvent> _newest = new(Max);
    private long _count;

    public NotableEvents(DispatcherLoop loop)
    {
        _loop = loop;
        loop.Events.Add(this);
    }

    /// <summary>Newest first.</summary>
    public IReadOnlyList<NotableEvent> Newest
    {
        get
        {
            lock (_gate) return [.. _newest.Reverse()];
        }
    }

    public void Emit(in SluiceEvent e)
    {
        var what = e.Kind switch
        {
            EventKind.Evicted => _loop.Find(e.Request) is { IsEvicted: false } ? "handed back" : "evicted",
            EventKind.Migrated => "moved",
            EventKind.ModelLoaded => "loaded",
            EventKind.LoadFailed => "load failed",
            EventKind.EngineLost => "lost",
            EventKind.EngineJoined => "joined",
            EventKind.Rejected => "rejected",
            EventKind.Failed => "failed",
            _ => null,
        };
        if (what is null) return;

        var subject = e.Kind is EventKind.ModelLoaded or EventKind.LoadFailed
            ? _loop.Models.NameOf(new(e.Amount))
            : _loop.Find(e.Request)?.Call.ExternalId ?? "";
        var engine = e.Engine == EngineId.None ? "" : _loop.EngineNameOf(e.Engine);
        lock (_gate)
        {
            if (_newest.Count == Max) _newest.Dequeue();
            _newest.Enqueue(new(++_count, e.At, what, engine, subject));
        }
    }
}
