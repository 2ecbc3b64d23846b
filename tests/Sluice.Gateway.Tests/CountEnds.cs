using Sluice.Core;

namespace Sluice.Gateway.Tests;

/// <summary>Waits for events, and counts how requests ended.</summary>
internal sealed class CountEnds : IEventSink
{
    private readonly Lock _gate = new();
    private readonly List<(int Count, TaskCompletionSource Source)> _waiting = [];
    private int _queued;

    public TaskCompletionSource Finished { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    public TaskCompletionSource Cancelled { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    public TaskCompletionSource Stayed { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    public int Evicted { get; private set; }
    public List<int> LoadFailures { get; } = [];
    public Dictionary<RequestId, int> Ends { get; } = [];

    /// <summary>So many requests were queued since this began to listen.</summary>
    public Task Queued(int count)
    {
        lock (_gate)
        {
            if (_queued >= count) return Task.CompletedTask;
            var source = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting.Add((count, source));
            return source.Task;
        }
    }

    public void Emit(in SluiceEvent e)
    {
        lock (_gate)
        {
            if (e.Kind == EventKind.Cancelled) Cancelled.TrySetResult();
            if (e.Kind == EventKind.Finished) Finished.TrySetResult();
            if (e.Kind == EventKind.Stayed) Stayed.TrySetResult();
            if (e.Kind == EventKind.Evicted) Evicted++;
            if (e.Kind == EventKind.LoadFailed) LoadFailures.Add(e.Amount);
            if (e.Kind is EventKind.Finished or EventKind.Cancelled or EventKind.Failed or EventKind.Rejected)
                Ends[e.Request] = Ends.GetValueOrDefault(e.Request) + 1;
            if (e.Kind != EventKind.Queued) return;
            _queued++;
            foreach (var (count, source) in _waiting)
                if (_queued >= count) source.TrySetResult();
        }
    }
}
