using Sluice.Core;

namespace Sluice.Policies;

/// <summary>One queue for the whole fleet, earliest deadline first over single requests: an engine with room whose turn
/// falls on a request of another model finishes what it runs and loads that model.</summary>
/// <remarks>
/// The EDF that QLM (SoCC 2024) compares itself with. Nothing is grouped, so where deadlines of several models interleave
/// engines swap again and again: that is what it is here to show. An engine that has the head's model and room takes it
/// before another one swaps for it. Deadlines are those of <see cref="RequestsByDeadline"/>, ties go by id. Engines with
/// the fewest requests outstanding are filled first. O(log queue + engines) per request, O(models) per engine planned.
/// </remarks>
public sealed class EarliestDeadlineSwap(FleetInfo? fleet) : IGlobalScheduler
{
    private const int Nobody = -1;

    /// <summary>Shortest time between two plans: a request that fits nowhere must not be looked at without end.</summary>
    private static readonly TimeSpan s_gap = TimeSpan.FromMilliseconds(10);

    private readonly RequestsByDeadline _order = new();
    private readonly KnownRequests _known = new();
    private readonly EngineRoom _room = new(fleet);
    private readonly List<IndexedHeap> _queues = []; // by model
    private int[] _claims = []; // by engine: the request it swaps for
    private Instant _planAt = Instant.Never;
    private Instant _plannedAt = new(-s_gap.Ticks);

    public Instant PlanAt => _planAt;

    public EngineId OnQueued(in QueuedRequest request, ClusterView view)
    {
        var model = request.Request.Model;
        EnsureRoom(view, model);
        var slot = _known.Add(in request);
        var queue = _queues[model.Index];
        var engine = queue.Count == 0 ? Taker(slot, view) : EngineId.None;
        if (engine != EngineId.None)
        {
            Send(slot, engine);
            return engine;
        }

        Enqueue(slot, view);
        return EngineId.None;
    }

    public void OnWithdrawn(Request request, ClusterView view)
    {
        var slot = _known.SlotOf(request);
        var queue = _queues[request.Model.Index];
        if (queue.Contains(slot)) queue.Remove(slot);
        else _claims[Array.IndexOf(_claims, slot)] = Nobody;
        _known.Forget(slot);
        PlanSoon(view);
    }

    public bool TryTake(EngineId engine, ClusterView view, out RequestId request)
    {
        EnsureRoom(view, default);
        request = default;
        ref readonly var snapshot = ref view.Engines[engine.Index];
        var slot = _claims[engine.Index];
        if (slot != Nobody)
        {
            if (_known[slot].Request.Model != snapshot.Model) return false;
            _claims[engine.Index] = Nobody;
        }
        else
        {
            slot = Head(in snapshot);
            if (slot == Nobody || !_room.HasRoom(in snapshot, _known[slot].KvTokens)) return false;
            if (_known[slot].Request.Model != snapshot.Model)
            {
                PlanSoon(view);
                return false;
            }

            _queues[snapshot.Model.Index].Remove(slot);
        }

        Send(slot, engine);
        request = _known[slot].Request.Id;
        return true;
    }

    public void OnOff(Request request, EngineId engine, EventKind how, int outputTokens, ClusterView view)
    {
        var slot = _known.SlotOf(request);
        var isEmpty = view.Engines[engine.Index].Outstanding == 0;
        _room.Discharge(engine, _known[slot].KvTokens, isEmpty);
        _known.Forget(slot);
        if (isEmpty && _claims[engine.Index] != Nobody) PlanSoon(view);
    }

    public void OnEngineChanged(EngineId engine, ClusterView view)
    {
        EnsureRoom(view, default);
        PlanSoon(view);
        var slot = _claims[engine.Index];
        if (slot == Nobody || _room.CanRun(in view.Engines[engine.Index], _known[slot].Request.Model)) return;
        _claims[engine.Index] = Nobody;
        Enqueue(slot, view);
    }

    public void Plan(ClusterView view, Operations operations)
    {
        EnsureRoom(view, default);
        (_planAt, _plannedAt) = (Instant.Never, view.Now);
        foreach (ref readonly var engine in view.Engines)
            if (engine.Outstanding == 0) Claim(in engine, view);
        foreach (ref readonly var engine in view.Engines)
            if (engine.Outstanding > 0) Claim(in engine, view);
        foreach (ref readonly var engine in view.Engines)
        {
            var slot = _claims[engine.Id.Index];
            if (slot == Nobody || !engine.IsReady || engine.Outstanding > 0) continue;
            if (_known[slot].Request.Model != engine.Model) operations.Load(engine.Id, _known[slot].Request.Model);
        }
    }

    /// <summary>The engine swaps for its head, unless it or another one can take that as it is.</summary>
    private void Claim(in EngineSnapshot engine, ClusterView view)
    {
        if (_claims[engine.Id.Index] != Nobody) return;
        var slot = Head(in engine);
        if (slot == Nobody || _known[slot].Request.Model == engine.Model) return;
        if (!_room.HasRoom(in engine, _known[slot].KvTokens) || Taker(slot, view) != EngineId.None) return;
        _queues[_known[slot].Request.Model.Index].Remove(slot);
        _claims[engine.Id.Index] = slot;
    }

    /// <summary>The earliest deadline among the models that the engine can run.</summary>
    private int Head(in EngineSnapshot engine)
    {
        var (best, bestKey, bestId) = (Nobody, long.MaxValue, long.MaxValue);
        for (var model = 0; model < _queues.Count; model++)
        {
            var queue = _queues[model];
            if (queue.Count == 0 || !_room.CanRun(in engine, new(model))) continue;
            var id = _known[queue.MinItem].Request.Id.Value;
            if ((queue.MinKey, id).CompareTo((bestKey, bestId)) < 0) (best, bestKey, bestId) = (queue.MinItem, queue.MinKey, id);
        }

        return best;
    }

    /// <summary>The engine that can take the request as it is, with the fewest outstanding.</summary>
    private EngineId Taker(int slot, ClusterView view)
    {
        var best = EngineId.None;
        var least = int.MaxValue;
        ref var known = ref _known[slot];
        foreach (ref readonly var engine in view.Engines)
        {
            if (engine.Outstanding >= least || engine.Model != known.Request.Model || _claims[engine.Id.Index] != Nobody) continue;
            if (_room.HasRoom(in engine, known.KvTokens)) (best, least) = (engine.Id, engine.Outstanding);
        }

        return best;
    }

    private void Send(int slot, EngineId engine)
    {
        _known[slot].Engine = engine;
        _room.Charge(engine, _known[slot].KvTokens);
    }

    private void Enqueue(int slot, ClusterView view)
    {
        var request = _known[slot].Request;
        _queues[request.Model.Index].Set(slot, _order.KeyOf(request), request.Id.Value);
        PlanSoon(view);
    }

    private void PlanSoon(ClusterView view)
    {
        var soon = new Instant(Math.Max(view.Now.Ticks + 1, (_plannedAt + s_gap).Ticks));
        if (_planAt > soon) _planAt = soon;
    }

    private void EnsureRoom(ClusterView view, ModelId model)
    {
        while (_queues.Count <= model.Index) _queues.Add(new());
        var old = _claims.Length;
        if (old >= view.Engines.Length) return;
        Array.Resize(ref _claims, view.Engines.Length);
        Array.Fill(_claims, Nobody, old, _claims.Length - old);
    }
}
