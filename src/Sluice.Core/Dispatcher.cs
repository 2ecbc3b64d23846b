namespace Sluice.Core;

/// <summary>The only writer of queue state: events in, commands out, facts to the sink.</summary>
/// <remarks>
/// Not thread-safe by design: exactly one loop owns it. Every accepted request is tracked until it ends exactly once as
/// finished, cancelled or failed. A request that no engine can take now waits in the dispatcher's queue and is tried again,
/// in queue order, whenever an engine has room. No allocation once warm; O(log queue) per event beside the policies' own
/// cost.
/// </remarks>
public sealed class Dispatcher(PolicySet policies, IReadOnlyList<IEngine> engines, EngineSnapshot[] snapshots, IEventSink sink)
{
    private struct Tracked
    {
        public Request Request;
        public TokenEstimate Predicted;
        public EngineId Engine;
        public int OutputTokens;
    }

    private readonly IdMap _slots = new();
    private readonly IndexedHeap _queue = new();
    private Tracked[] _tracked = new Tracked[64];
    private int[] _free = new int[64];
    private int _freeCount;
    private int _used;

    /// <summary>Requests accepted and not on any engine.</summary>
    public int Queued => _queue.Count;

    /// <summary>Requests accepted and not ended.</summary>
    public int Live => _slots.Count;

    public Admission OnArrival(Instant now, Request request)
    {
        var admission = policies.Admission.Decide(request, ViewAt(now));
        if (!admission.IsAccepted)
        {
            sink.Emit(new(now, request.Id, EngineId.None, (int)admission.Reason, EventKind.Rejected));
            return admission;
        }

        var slot = Allocate();
        _tracked[slot] = new() { Request = request, Predicted = policies.Lengths.Predict(request), Engine = EngineId.None };
        _slots.Add(request.Id, slot);
        sink.Emit(new(now, request.Id, EngineId.None, request.PromptTokens, EventKind.Queued));
        if (_queue.Count > 0 || !TryDispatch(now, slot)) Enqueue(slot);
        return admission;
    }

    /// <summary>The caller left. A queued request ends here; a dispatched one ends when its engine says so.</summary>
    public void OnCancel(Instant now, RequestId request)
    {
        if (!_slots.TryGet(request, out var slot)) return;
        ref var tracked = ref _tracked[slot];
        if (tracked.Engine != EngineId.None)
        {
            engines[tracked.Engine.Index].Cancel(now, request);
            return;
        }

        _queue.Remove(slot);
        var output = tracked.OutputTokens;
        Forget(slot);
        sink.Emit(new(now, request, EngineId.None, output, EventKind.Cancelled));
    }

    /// <summary>A fact from an engine, already in the sink. Ends free its place and pull the next from the queue.</summary>
    public void OnEngineEvent(in SluiceEvent e)
    {
        if (e.Kind is not (EventKind.Finished or EventKind.Cancelled or EventKind.Failed)) return;
        if (!_slots.TryGet(e.Request, out var slot)) return;

        if (e.Kind is EventKind.Finished) policies.Lengths.Observe(_tracked[slot].Request, e.Amount);
        TakeOff(slot);
        Forget(slot);
        if (_queue.Count > 0) Pull(e.At);
    }

    /// <summary>What an engine reports about itself; own accounting in the snapshot stays.</summary>
    public void OnEngineStatus(EngineId engine, int running, int waiting, long waitingTokens, int freeBlocks)
    {
        ref var snapshot = ref snapshots[engine.Index];
        (snapshot.Running, snapshot.Waiting, snapshot.WaitingTokens) = (running, waiting, waitingTokens);
        snapshot.FreeBlocks = freeBlocks;
    }

    /// <summary>An engine died. Its requests go back to the queue in order of arrival, with the tokens their callers already
    /// have.</summary>
    /// <param name="outputTokensOf">Output tokens a request had when the engine died.</param>
    public void OnEngineLost(Instant now, EngineId engine, Func<RequestId, int> outputTokensOf)
    {
        ref var snapshot = ref snapshots[engine.Index];
        Check.That(snapshot.IsReady);
        snapshot.IsReady = false;
        sink.Emit(new(now, new(-1), engine, snapshot.Outstanding, EventKind.EngineLost));
        for (var slot = 0; slot < _used; slot++)
        {
            ref var tracked = ref _tracked[slot];
            if (tracked.Request is null || tracked.Engine != engine) continue;
            TakeOff(slot);
            tracked.OutputTokens = outputTokensOf(tracked.Request.Id);
            Enqueue(slot);
        }

        Check.That(snapshot.Outstanding == 0);
        Pull(now);
    }

    public void OnEngineJoined(Instant now, EngineId engine, ModelId model)
    {
        ref var snapshot = ref snapshots[engine.Index];
        Check.That(!snapshot.IsReady);
        (snapshot.IsReady, snapshot.Model) = (true, model);
        sink.Emit(new(now, new(-1), engine, 0, EventKind.EngineJoined));
        Pull(now);
    }

    /// <summary>Gives up what is still queued, because no engine will come that could serve it.</summary>
    public void FailQueued(Instant now)
    {
        while (_queue.Count > 0)
        {
            var slot = _queue.RemoveMin();
            var request = _tracked[slot].Request.Id;
            Forget(slot);
            sink.Emit(new(now, request, EngineId.None, (int)FailReason.NoEngine, EventKind.Failed));
        }
    }

    /// <summary>Dispatches from the head of the queue until the head finds no engine.</summary>
    private void Pull(Instant now)
    {
        while (_queue.Count > 0)
        {
            var slot = _queue.MinItem;
            if (!TryDispatch(now, slot, isQueued: true)) return;
        }
    }

    private bool TryDispatch(Instant now, int slot, bool isQueued = false)
    {
        ref var tracked = ref _tracked[slot];
        var request = tracked.Request;
        var engine = policies.Router.Pick(request, ViewAt(now));
        if (engine == EngineId.None) return false;

        ref var snapshot = ref snapshots[engine.Index];
        Check.That(snapshot.CanTake(request));
        if (isQueued) _queue.Remove(slot);
        snapshot.Outstanding++;
        snapshot.OutstandingTokens += request.PromptTokens + tracked.Predicted.Mean;
        tracked.Engine = engine;
        sink.Emit(new(now, request.Id, engine, request.PromptTokens, EventKind.Dispatched));
        engines[engine.Index].Submit(now, request, tracked.Predicted, tracked.OutputTokens);
        return true;
    }

    private void Enqueue(int slot)
    {
        ref var tracked = ref _tracked[slot];
        tracked.Engine = EngineId.None;
        _queue.Set(slot, policies.QueueOrder?.KeyOf(tracked.Request) ?? 0, tracked.Request.Id.Value);
    }

    /// <summary>Settles the engine's account for a request that is no longer on it.</summary>
    private void TakeOff(int slot)
    {
        ref var tracked = ref _tracked[slot];
        ref var snapshot = ref snapshots[tracked.Engine.Index];
        snapshot.Outstanding--;
        snapshot.OutstandingTokens -= tracked.Request.PromptTokens + tracked.Predicted.Mean;
        if (snapshot.Outstanding == 0) snapshot.OutstandingTokens = 0; // An empty engine sheds accumulated rounding.
        Check.That(snapshot.Outstanding >= 0);
    }

    private ClusterView ViewAt(Instant now) => new(now, snapshots, _queue.Count);

    private int Allocate()
    {
        if (_freeCount > 0) return _free[--_freeCount];
        if (_used == _tracked.Length) Array.Resize(ref _tracked, _used * 2);
        return _used++;
    }

    private void Forget(int slot)
    {
        _slots.Remove(_tracked[slot].Request.Id, out _);
        _tracked[slot] = default;
        if (_freeCount == _free.Length) Array.Resize(ref _free, _freeCount * 2);
        _free[_freeCount++] = slot;
    }
}
