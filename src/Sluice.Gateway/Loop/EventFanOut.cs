using System.Threading.Channels;
using Sluice.Core;

namespace Sluice.Gateway;

/// <summary>Hands every event to all that asked for them. They run on the writer's thread: they hand off and return.</summary>
public sealed class EventFanOut : IEventSink
{
    private readonly Lock _gate = new();
    private volatile IEventSink[] _sinks = [];

    public void Add(IEventSink sink)
    {
        lock (_gate) _sinks = [.. _sinks, sink];
    }

    public void Remove(IEventSink sink)
    {
        lock (_gate) _sinks = [.. _sinks.Where(s => !ReferenceEquals(s, sink))];
    }

    public void Emit(in SluiceEvent e)
    {
        foreach (var sink in _sinks) sink.Emit(in e);
    }
}

/// <summary>Events for somebody who reads them at their own pace. One who falls behind loses the newest and learns how
/// many.</summary>
public sealed class EventFeed(int capacity = 16_384) : IEventSink
{
    private readonly Channel<SluiceEvent> _events = Channel.CreateBounded<SluiceEvent>(
        new BoundedChannelOptions(capacity) { FullMode = BoundedChannelFullMode.Wait, SingleReader = true });

    private long _lost;

    public ChannelReader<SluiceEvent> Reader => _events.Reader;

    /// <summary>Events that did not fit.</summary>
    public long Lost => Interlocked.Read(ref _lost);

    public void Emit(in SluiceEvent e)
    {
        if (!_events.Writer.TryWrite(e)) Interlocked.Increment(ref _lost);
    }
}
