using Sluice.Core;

namespace Sluice.Testing;

/// <summary>Remembers every event, in order.</summary>
public sealed class EventLog : IEventSink
{
    public List<SluiceEvent> Events { get; } = [];

    public void Emit(in SluiceEvent e) => Events.Add(e);

    public SluiceEvent[] Of(EventKind kind) => [.. Events.Where(e => e.Kind == kind)];

    /// <summary>Ids of the requests that an event of this kind happened to, in order.</summary>
    public int[] Ids(EventKind kind) => [.. Events.Where(e => e.Kind == kind).Select(e => (int)e.Request.Value)];
}
