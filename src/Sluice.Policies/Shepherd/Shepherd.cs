using Sluice.Core;

namespace Sluice.Policies;

/// <summary>Plans batches on engines from known service times, and takes running batches off when one that is more urgent
/// would be late.</summary>
/// <remarks>
/// Source: SHEPHERD (Zhang et al., NSDI 2023), as the QLM paper and surveys describe it beside QLM: deterministic service
/// times, planning of batches, preemption of batches. Inferred by us, because SHEPHERD itself serves models of fixed service time:
/// groups are (model, promise); a batch is what fits into the KV of the engine at mean lengths; batches are laid out in the
/// order of their groups' first deadlines, each on the engine that would end it first, model loads included (SHEPHERD solves an
/// integer program over longer horizons); the engine below batches continuously, so the next batch begins in the places
/// that the last one leaves; a late batch takes an engine from batches of a longer promise only if it would then be in time, and
/// what is taken off loses its KV and computes again. Lengths are means without variance. Ties go by id. One plan costs O(batches
/// planned × engines); no allocation once warm.
/// </remarks>
public sealed class Shepherd(FleetInfo? fleet, ShepherdOptions options) : IGlobalScheduler
{
    /// <summary>Shortest time between two plans.</summary>
    private static readonly TimeSpan s_gap = TimeSpan.FromMilliseconds(50);

    private readonly RequestsByDeadline _order = new();
    private readonly KnownRequests _known = new();
    private readonly ShepherdGroups _groups = new();
    private readonly EngineRoom _room = new(fleet);
    private readonly IndexedHeap _urgent = new();
    private ShepherdEngine[] _engines = [];
    private Instant _planAt = Instant.Never;
    private Instant _plannedAt = new(-s_gap.Ticks);
    private int _waiting;

    public Instant PlanAt => _planAt;

    public EngineId OnQueued(in QueuedRequest request, ClusterView view)
    {
        EnsureEngines(view);
        var slot = _known.Add(in request);
        var index = _groups.Join(in request);
        _known[slot].Group = index;
        ref var group = ref _groups[index];
        var engine = group.Waiting.Count == 0 ? IdleFor(slot, view) : EngineId.None;
        if (engine != EngineId.None)
        {
            Send(slot, engine);
            return engine;
        }

        _known.InsertByArrival(ref group.Waiting, slot);
        _waiting++;
        PlanBy(view.Now, s_gap);
        return EngineId.None;
    }

    public void OnWithdrawn(Request request, ClusterView view)
    {
        var slot = _known.SlotOf(request);
        TakeOut(slot);
        Forget(slot);
    }

    public bool TryTake(EngineId engine, ClusterView view, out RequestId request)
    {
        EnsureEngines(view);
        request = default;
        ref var own = ref _engines[engine.Index];
        ref readonly var snapshot = ref view.Engines[engine.Index];
        while (own.TryPeek(out var batch))
        {
            ref var group = ref _groups[batch.Group];
            if (group.Waiting.Count == 0 || group.Members == 0)
            {
                own.Pop();
                continue;
            }

            if (group.Model != snapshot.Model)
            {
                if (snapshot.Outstanding == 0) PlanBy(view.Now, s_gap);
                return false;
            }

            var slot = group.Waiting.First;
            if (!_room.HasRoom(in snapshot, _known[slot].KvTokens)) return false;
            own.CountDown();
            TakeOut(slot);
            Send(slot, engine);
            request = _known[slot].Request.Id;
            return true;
        }

        if (_waiting > 0) PlanBy(view.Now, s_gap);
        return false;
    }

    public void OnStayed(Request request, EngineId engine, ClusterView view)
    {
        var slot = _known.SlotOf(request);
        if (_known[slot].IsLeaving) _engines[engine.Index].Leaving--;
        _known[slot].IsLeaving = false;
    }

    public void OnOff(Request request, EngineId engine, EventKind how, int outputTokens, ClusterView view)
    {
        var slot = _known.SlotOf(request);
        ref var own = ref _engines[engine.Index];
        if (_known[slot].IsLeaving) own.Leaving--;
        _known.Remove(ref own.Running, slot);
        _room.Discharge(engine, _known[slot].KvTokens, isEmpty: own.Running.Count == 0);
        Forget(slot);
    }

    public void OnEngineChanged(EngineId engine, ClusterView view)
    {
        EnsureEngines(view);
        if (_waiting > 0) PlanBy(view.Now, s_gap);
    }

    public void Plan(ClusterView view, Operations operations)
    {
        EnsureEngines(view);
        (_planAt, _plannedAt) = (Instant.Never, view.Now);
        for (var e = 0; e < _engines.Length; e++) _engines[e].Reset(view.Engines[e].Model, BusySeconds(in view.Engines[e]));
        if (_waiting == 0) return;

        for (var g = 0; g < _groups.Used; g++)
            if (_groups[g].Members > 0 && _groups[g].Waiting.Count > 0)
                _urgent.Set(g, _order.KeyOf(_known[_groups[g].Waiting.First].Request), g);
        var batches = _engines.Length * options.LookaheadBatches;
        while (_urgent.Count > 0)
        {
            var group = _urgent.RemoveMin();
            for (var left = _groups[group].Waiting.Count; left > 0 && batches > 0; batches--)
                left -= PlaceBatch(group, left, view, operations);
        }

        foreach (ref readonly var engine in view.Engines)
            if (engine.IsReady && engine.Outstanding == 0 && _engines[engine.Id.Index].TryPeek(out var first) &&
                _groups[first.Group].Model != engine.Model)
                operations.Load(engine.Id, _groups[first.Group].Model);
        PlanBy(view.Now, options.Tick);
    }

    /// <returns>Requests placed.</returns>
    private int PlaceBatch(int index, int left, ClusterView view, Operations operations)
    {
        ref var group = ref _groups[index];
        var (best, bestEnd, bestStart, count) = (EngineId.None, double.PositiveInfinity, 0.0, 0);
        foreach (ref readonly var engine in view.Engines)
        {
            if (!_room.CanRun(in engine, group.Model)) continue;
            var service = ServiceTimes.Of(in group, _room.Profile(engine.Id, group.Model));
            var n = Math.Min(left, service.Batch);
            var start = StartSeconds(in engine, in group);
            var end = start + n * service.Share;
            if (end < bestEnd) (best, bestEnd, bestStart, count) = (engine.Id, end, start, n);
        }

        if (best == EngineId.None) return left; // No engine can run it.
        var slack = (new Instant(_order.KeyOf(_known[group.Waiting.First].Request)) - view.Now).TotalSeconds;
        var prefill = ServiceTimes.Of(in group, _room.Profile(best, group.Model)).Prefill;
        if (options.Preemption && slack > 0 && bestStart + prefill > slack && Victim(in group, slack, view) is var victim &&
            victim != EngineId.None)
        {
            best = victim;
            count = Math.Min(left, ServiceTimes.Of(in group, _room.Profile(victim, group.Model)).Batch);
            Preempt(in group, victim, operations);
            bestEnd = count * ServiceTimes.Of(in group, _room.Profile(victim, group.Model)).Share;
        }

        ref var own = ref _engines[best.Index];
        own.Add(index, count);
        (own.FreeSeconds, own.PlannedModel) = (bestEnd, group.Model);
        return count;
    }

    /// <summary>When a batch of the group could begin after what is planned on the engine already [s].</summary>
    private double StartSeconds(in EngineSnapshot engine, in ShepherdGroup group)
    {
        ref var own = ref _engines[engine.Id.Index];
        if (own.PlannedModel == group.Model) return own.FreeSeconds;
        var drain = own.HasPlan ? 0 : DrainSeconds(in engine);
        return own.FreeSeconds + drain + LoadSeconds(in engine, group.Model);
    }

    /// <summary>Until it has a place for the model it runs [s].</summary>
    private double BusySeconds(in EngineSnapshot engine)
    {
        ref var running = ref _engines[engine.Id.Index].Running;
        if (running.Count == 0) return 0;
        ref var group = ref _groups[_known[running.First].Group];
        var service = ServiceTimes.Of(in group, _room.Profile(engine.Id, group.Model));
        return running.Count < service.Batch ? 0 : service.Share;
    }

    /// <summary>Until nothing runs on it [s].</summary>
    private double DrainSeconds(in EngineSnapshot engine)
    {
        ref var running = ref _engines[engine.Id.Index].Running;
        if (running.Count == 0) return 0;
        ref var group = ref _groups[_known[running.Last].Group];
        return ServiceTimes.Of(in group, _room.Profile(engine.Id, group.Model)).Alone;
    }

    private double LoadSeconds(in EngineSnapshot engine, ModelId model)
    {
        if (_room.Profile(engine.Id, model) is not { } profile) return 0;
        var isWarm = model.Index < 64 && (engine.WarmModels >> model.Index & 1) != 0;
        return (isWarm ? profile.WarmLoad : profile.ColdLoad).TotalSeconds;
    }

    /// <summary>The engine whose running batch of a longer promise is the smallest, if taking it off is in time.</summary>
    private EngineId Victim(in ShepherdGroup group, double slack, ClusterView view)
    {
        var best = EngineId.None;
        var fewest = int.MaxValue;
        foreach (ref readonly var engine in view.Engines)
        {
            ref var own = ref _engines[engine.Id.Index];
            if (!engine.IsReady || own.HasPlan || own.Leaving > 0 || own.Running.Count == 0) continue;
            if (!_room.CanRun(in engine, group.Model)) continue;
            var needsLoad = engine.Model != group.Model;
            var start = needsLoad ? LoadSeconds(in engine, group.Model) : 0;
            if (start + ServiceTimes.Of(in group, _room.Profile(engine.Id, group.Model)).Prefill > slack) continue;
            var yielding = Yielding(in own, in group);
            if (yielding == 0 || (needsLoad && yielding < own.Running.Count) || yielding >= fewest) continue;
            (best, fewest) = (engine.Id, yielding);
        }

        return best;
    }

    private int Yielding(in ShepherdEngine engine, in ShepherdGroup group)
    {
        var count = 0;
        for (var slot = engine.Running.First; slot >= 0; slot = _known[slot].Next)
            if (_groups[_known[slot].Group].Promise > group.Promise) count++;
        return count;
    }

    private void Preempt(in ShepherdGroup group, EngineId engine, Operations operations)
    {
        ref var own = ref _engines[engine.Index];
        for (var slot = own.Running.First; slot >= 0; slot = _known[slot].Next)
        {
            if (_groups[_known[slot].Group].Promise <= group.Promise) continue;
            _known[slot].IsLeaving = true;
            own.Leaving++;
            operations.Evict(_known[slot].Request.Id, keepsKv: false);
        }
    }

    /// <summary>An engine with nothing planned that has the model and room, with the fewest outstanding.</summary>
    private EngineId IdleFor(int slot, ClusterView view)
    {
        var best = EngineId.None;
        var least = int.MaxValue;
        foreach (ref readonly var engine in view.Engines)
        {
            if (engine.Model != _known[slot].Request.Model || engine.Outstanding >= least || _engines[engine.Id.Index].HasPlan) continue;
            if (_room.HasRoom(in engine, _known[slot].KvTokens)) (best, least) = (engine.Id, engine.Outstanding);
        }

        return best;
    }

    private void TakeOut(int slot)
    {
        _known.Remove(ref _groups[_known[slot].Group].Waiting, slot);
        _waiting--;
    }

    private void Send(int slot, EngineId engine)
    {
        _known[slot].Engine = engine;
        _known.Append(ref _engines[engine.Index].Running, slot);
        _room.Charge(engine, _known[slot].KvTokens);
    }

    private void Forget(int slot)
    {
        _groups.Leave(_known[slot].Group);
        _known.Forget(slot);
    }

    private void PlanBy(Instant now, TimeSpan after)
    {
        var at = new Instant(Math.Max(now.Ticks + 1, (_plannedAt + after).Ticks));
        if (_planAt > at) _planAt = at;
    }

    private void EnsureEngines(ClusterView view)
    {
        var old = _engines.Length;
        if (old >= view.Engines.Length) return;
        Array.Resize(ref _engines, view.Engines.Length);
        for (var e = old; e < _engines.Length; e++) _engines[e] = ShepherdEngine.Make();
    }
}
