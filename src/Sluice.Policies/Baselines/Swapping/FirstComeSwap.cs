using Sluice.Core;

namespace Sluice.Policies;

/// <summary>A first-come queue per engine that is shared by all models: an engine whose head needs another model finishes
/// what it runs and loads it.</summary>
/// <remarks>
/// What plain vLLM servers do behind a load balancer when several models share a fleet. A request goes to the engine with
/// the fewest requests running or queued that can run its model; ties go to an engine that has the model loaded, then to
/// the lowest id. It stays there unless the engine is lost. O(engines) per arrival, O(1) per request taken.
/// </remarks>
public sealed class FirstComeSwap(FleetInfo? fleet) : IGlobalScheduler
{
    private readonly KnownRequests _known = new();
    private readonly EngineRoom _room = new(fleet);
    private SlotList[] _queues = []; // by engine
    private SlotList _homeless = SlotList.Empty;
    private Instant _planAt = Instant.Never;

    public Instant PlanAt => _planAt;

    public EngineId OnQueued(in QueuedRequest request, ClusterView view)
    {
        EnsureQueues(view);
        var slot = _known.Add(in request);
        var engine = ShortestQueue(request.Request.Model, view);
        if (engine == EngineId.None || _queues[engine.Index].Count > 0 || !view.Engines[engine.Index].CanTake(request.Request))
        {
            Append(engine, slot, view);
            return EngineId.None;
        }

        _known[slot].Engine = engine;
        return engine;
    }

    public void OnWithdrawn(Request request, ClusterView view)
    {
        var slot = _known.SlotOf(request);
        _known.Remove(ref QueueOf(_known[slot].Group), slot);
        _known.Forget(slot);
    }

    public bool TryTake(EngineId engine, ClusterView view, out RequestId request)
    {
        EnsureQueues(view);
        request = default;
        ref var queue = ref _queues[engine.Index];
        if (queue.Count == 0) return false;
        ref var head = ref _known[queue.First];
        ref readonly var snapshot = ref view.Engines[engine.Index];
        if (head.Request.Model != snapshot.Model)
        {
            if (snapshot.Outstanding == 0) PlanSoon(view);
            return false;
        }

        request = head.Request.Id;
        head.Engine = engine;
        _known.Remove(ref queue, queue.First);
        return true;
    }

    public void OnOff(Request request, EngineId engine, EventKind how, int outputTokens, ClusterView view) =>
        _known.Forget(_known.SlotOf(request));

    public void OnEngineChanged(EngineId engine, ClusterView view)
    {
        EnsureQueues(view);
        if (!view.Engines[engine.Index].IsPresent || view.Engines[engine.Index].FailedModels != 0) Rehouse(ref _queues[engine.Index], view);
        Rehouse(ref _homeless, view);
    }

    public void Plan(ClusterView view, Operations operations)
    {
        EnsureQueues(view);
        _planAt = Instant.Never;
        foreach (ref readonly var engine in view.Engines)
        {
            ref var queue = ref _queues[engine.Id.Index];
            if (queue.Count == 0 || !engine.IsReady || engine.Outstanding > 0) continue;
            var model = _known[queue.First].Request.Model;
            if (model != engine.Model) operations.Load(engine.Id, model);
        }
    }

    private EngineId ShortestQueue(ModelId model, ClusterView view)
    {
        var best = EngineId.None;
        var (shortest, hasModel) = (int.MaxValue, false);
        foreach (ref readonly var engine in view.Engines)
        {
            if (!_room.CanRun(in engine, model)) continue;
            var length = engine.Outstanding + _queues[engine.Id.Index].Count;
            if (length > shortest || (length == shortest && (hasModel || engine.Model != model))) continue;
            (best, shortest, hasModel) = (engine.Id, length, engine.Model == model);
        }

        return best;
    }

    private void Append(EngineId engine, int slot, ClusterView view)
    {
        _known[slot].Group = engine.Index;
        _known.Append(ref QueueOf(engine.Index), slot);
        PlanSoon(view);
    }

    /// <summary>Everybody queues anew, in the same order.</summary>
    private void Rehouse(ref SlotList list, ClusterView view)
    {
        for (var left = list.Count; left > 0; left--)
        {
            var slot = list.First;
            _known.Remove(ref list, slot);
            Append(ShortestQueue(_known[slot].Request.Model, view), slot, view);
        }
    }

    private ref SlotList QueueOf(int engine)
    {
        if (engine < 0) return ref _homeless;
        return ref _queues[engine];
    }

    private void PlanSoon(ClusterView view)
    {
        if (_planAt > view.Now) _planAt = new(view.Now.Ticks + 1);
    }

    private void EnsureQueues(ClusterView view)
    {
        var old = _queues.Length;
        if (old >= view.Engines.Length) return;
        Array.Resize(ref _queues, view.Engines.Length);
        Array.Fill(_queues, SlotList.Empty, old, _queues.Length - old);
    }
}
