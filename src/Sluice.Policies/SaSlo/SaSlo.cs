using Sluice.Core;

namespace Sluice.Policies;

/// <summary>SLO-aware scheduling by simulated annealing: every engine's order and batches are searched together, for the most
/// kept promises per second of latency.</summary>
/// <remarks>
/// Source: Huang et al., "SLO-Aware Scheduling for Large Language Model Inferences" (arXiv 2504.14966). A request goes to the
/// engine with the most memory left when it arrives, and stays with it. When an engine's first batch has gone and it has room,
/// or so many have arrived, what waits for it is planned anew by <see cref="PriorityMapper"/>, and the first batch goes.
/// Its size caps what the engine holds, unless it is the only one [I]. A request that no plan could keep in time gives its
/// place in the window to those that still can be [I]. Whoever has waited for the age cap goes ahead of the plan, in order of
/// arrival, so that nobody starves [I]. A plan costs its moves times the window; everything else is O(engines) per request, but
/// an engine that comes or goes, which has all assigned anew.
/// </remarks>
public sealed class SaSlo(SaSloOptions options, PolicyContext context) : IGlobalScheduler
{
    /// <summary>KV tokens of an engine that reports none. [I]</summary>
    private const long UnknownKvTokens = 1 << 16;

    private static readonly Comparison<(Instant At, RequestId Id, int Slot)> s_byArrival = static (a, b) =>
        (a.At.Ticks, a.Id.Value).CompareTo((b.At.Ticks, b.Id.Value));

    private readonly KnownRequests _known = new();
    private readonly PriorityMapper _mapper = new(options);
    private readonly List<(Instant At, RequestId Id, int Slot)> _round = new(128);
    private EngineQueue[] _engines = [];
    private MapperJob[] _jobs = new MapperJob[128];
    private (int OutputTokens, Instant EndsAt)[] _expected = new (int, Instant)[64]; // by slot
    private SlotList _homeless = SlotList.Empty;
    private Rng _rng = context.Rng.Fork("sa-slo");
    private Instant _planAt = Instant.Never;

    public Instant PlanAt => _planAt;

    public EngineId OnQueued(in QueuedRequest request, ClusterView view)
    {
        Ensure(view.Engines.Length);
        var slot = _known.Add(in request);
        if (slot >= _expected.Length) Array.Resize(ref _expected, slot * 2);
        _expected[slot] = (Expect(in request), Instant.Never);
        Assign(slot, view);
        return EngineId.None;
    }

    public void OnWithdrawn(Request request, ClusterView view)
    {
        var slot = _known.SlotOf(request);
        TakeOut(slot);
        _known.Forget(slot);
    }

    public bool TryTake(EngineId engine, ClusterView view, out RequestId request)
    {
        Ensure(view.Engines.Length);
        request = default;
        var queue = _engines[engine.Index];
        ref readonly var snapshot = ref view.Engines[engine.Index];
        if (queue.Ready.Count == 0)
        {
            if (queue.Unplanned > 0 && HasRoom(in snapshot)) PlanSoon(queue, view.Now);
            return false;
        }

        var slot = queue.Ready.First;
        if (_known[slot].Request.Model != snapshot.Model) return false;
        var mayGo = options.IsSynchronous
            ? snapshot.Outstanding == 0 || queue.BeganAt == view.Now
            : snapshot.Outstanding < queue.Cap;
        if (!mayGo) return false;

        TakeOut(slot);
        var job = JobOf(slot, TimeOf(queue, in snapshot), view.Now);
        var batch = snapshot.Outstanding + 1;
        _expected[slot].EndsAt = view.Now + TimeSpan.FromSeconds(Math.Clamp(job.Prefill(batch) + job.Decode(batch), 0, 1e6));
        _known[slot].Group = (int)EngineList.Running;
        _known.Append(ref queue.Running, slot);
        queue.BeganAt = view.Now;
        request = _known[slot].Request.Id;
        return true;
    }

    public void OnOff(Request request, EngineId engine, EventKind how, int outputTokens, ClusterView view)
    {
        var slot = _known.SlotOf(request);
        _known.Remove(ref _engines[engine.Index].Running, slot);
        _known.Forget(slot);
    }

    /// <remarks>All that waits is assigned anew, in order of arrival. O(n log n).</remarks>
    public void OnEngineChanged(EngineId engine, ClusterView view)
    {
        Ensure(view.Engines.Length);
        _round.Clear();
        Drain(ref _homeless);
        foreach (var queue in _engines)
        {
            Drain(ref queue.Ready);
            Drain(ref queue.Waiting);
            Drain(ref queue.Late);
            queue.Tokens = 0;
        }

        _round.Sort(s_byArrival);
        foreach (var (_, _, slot) in _round) Assign(slot, view);
    }

    public void Plan(ClusterView view, Operations operations)
    {
        Ensure(view.Engines.Length);
        _planAt = Instant.Never;
        foreach (ref readonly var engine in view.Engines)
        {
            var queue = _engines[engine.Id.Index];
            if (queue.IsDue && engine.IsReady) PlanFor(queue, in engine, view.Now);
            queue.IsDue = false;
        }
    }

    private void PlanFor(EngineQueue queue, ref readonly EngineSnapshot engine, Instant now)
    {
        while (queue.Ready.Count > 0) Move(ref queue.Ready, ref queue.Waiting, queue.Ready.First, EngineList.Waiting);
        queue.Arrivals = 0;
        if (queue.Unplanned == 0) return;

        var batchMax = BatchMax(in engine);
        if (TryReadyAged(queue, batchMax, now)) return;

        FillWindow(queue, TimeOf(queue, in engine), now);
        _mapper.Find(_jobs.AsSpan(0, _round.Count), batchMax, BeginsAfter(queue, in engine, batchMax, now), ref _rng);
        var sizes = _mapper.Best.Sizes;
        foreach (var job in _mapper.Best.Jobs[..sizes[0]])
        {
            var slot = _round[job].Slot;
            ref var from = ref ListOf(slot);
            _known.Remove(ref from, slot);
            _known[slot].Group = (int)EngineList.Ready;
            _known.Append(ref queue.Ready, slot);
        }

        // An only batch holds nobody back: whoever comes next may join it.
        queue.Cap = sizes.Length == 1 ? batchMax : sizes[0];
    }

    /// <summary>Whoever has waited for too long is the first batch, with no cap of its own.</summary>
    private bool TryReadyAged(EngineQueue queue, int batchMax, Instant now)
    {
        if (options.AgeCap == TimeSpan.Zero) return false;
        while (queue.Ready.Count < batchMax && Older(queue.Waiting.First, queue.Late.First) is >= 0 and var slot
            && now - _known[slot].Request.Arrival >= options.AgeCap)
        {
            ref var from = ref ListOf(slot);
            Move(ref from, ref queue.Ready, slot, EngineList.Ready);
        }

        if (queue.Ready.Count > 0) queue.Cap = batchMax;
        return queue.Ready.Count > 0;
    }

    /// <summary>Either slot may be -1, for nobody.</summary>
    private int Older(int a, int b) =>
        a < 0 ? b
        : b < 0 ? a
        : (_known[a].Request.Arrival.Ticks, _known[a].Request.Id.Value).CompareTo(
            (_known[b].Request.Arrival.Ticks, _known[b].Request.Id.Value)) <= 0 ? a : b;

    /// <summary>Those first whose promises can be kept, then the late, each by arrival; then all by arrival.</summary>
    private void FillWindow(EngineQueue queue, SliceTime time, Instant now)
    {
        _round.Clear();
        for (var slot = queue.Waiting.First; slot >= 0 && _round.Count < options.Window;)
        {
            var next = _known[slot].Next;
            if (JobOf(slot, time, now).IsFeasible) Enlist(slot);
            else Move(ref queue.Waiting, ref queue.Late, slot, EngineList.Late);
            slot = next;
        }

        for (var slot = queue.Late.First; slot >= 0 && _round.Count < options.Window; slot = _known[slot].Next) Enlist(slot);
        _round.Sort(s_byArrival);
        if (_jobs.Length < _round.Count) _jobs = new MapperJob[_round.Count * 2];
        for (var i = 0; i < _round.Count; i++) _jobs[i] = JobOf(_round[i].Slot, time, now);
    }

    /// <summary>When the engine takes the next batch, as far as its running requests' expected ends tell [s].</summary>
    private double BeginsAfter(EngineQueue queue, ref readonly EngineSnapshot engine, int batchMax, Instant now)
    {
        if (queue.Running.Count == 0 || (!options.IsSynchronous && engine.Outstanding < batchMax)) return 0;
        var (first, last) = (Instant.Never, now);
        for (var slot = queue.Running.First; slot >= 0; slot = _known[slot].Next)
        {
            var end = _expected[slot].EndsAt;
            if (end < first) first = end;
            if (end > last) last = end;
        }

        return Math.Max(0, ((options.IsSynchronous ? last : first) - now).TotalSeconds);
    }

    private void Assign(int slot, ClusterView view)
    {
        var engine = MostMemory(_known[slot].Request.Model, view);
        _known[slot].Engine = engine;
        _known[slot].Group = (int)(engine == EngineId.None ? EngineList.None : EngineList.Waiting);
        _known.InsertByArrival(ref ListOf(slot), slot);
        if (engine == EngineId.None) return;

        var queue = _engines[engine.Index];
        queue.Tokens += TokensOf(slot);
        queue.Arrivals++;
        var isFree = queue.Ready.Count == 0 && HasRoom(in view.Engines[engine.Index]);
        if (isFree || queue.Arrivals >= options.ReplanArrivals) PlanSoon(queue, view.Now);
    }

    /// <summary>By memory that remains of as many rounds as every engine has filled, and one.</summary>
    private EngineId MostMemory(ModelId model, ClusterView view)
    {
        var rounds = double.PositiveInfinity;
        foreach (ref readonly var engine in view.Engines)
            if (Serves(in engine, model)) rounds = Math.Min(rounds, Math.Floor(Load(in engine) / Capacity(in engine)) + 1);

        var (best, most) = (EngineId.None, double.NegativeInfinity);
        foreach (ref readonly var engine in view.Engines)
        {
            if (!Serves(in engine, model)) continue;
            var left = rounds * Capacity(in engine) - Load(in engine);
            if (left > most) (best, most) = (engine.Id, left);
        }

        return best;
    }

    private double Load(ref readonly EngineSnapshot engine) => _engines[engine.Id.Index].Tokens + engine.OutstandingTokens;

    private double Capacity(ref readonly EngineSnapshot engine)
    {
        var tokens = (long)engine.TotalBlocks * engine.BlockTokens;
        return options.MemoryShare * (tokens > 0 ? tokens : UnknownKvTokens);
    }

    private bool HasRoom(ref readonly EngineSnapshot engine) =>
        options.IsSynchronous ? engine.Outstanding == 0 : engine.Outstanding < BatchMax(in engine);

    private int BatchMax(ref readonly EngineSnapshot engine)
    {
        var profile = context.Fleet?[engine.Id, engine.Model];
        return Math.Max(1, Math.Min(options.BatchMax, Math.Min(engine.OutstandingMax, profile?.SequencesMax ?? int.MaxValue)));
    }

    private SliceTime TimeOf(EngineQueue queue, ref readonly EngineSnapshot engine)
    {
        var model = engine.Model.Index;
        if (queue.Times.Length <= model) Array.Resize(ref queue.Times, model + 1);
        return queue.Times[model] ??= context.Fleet?[engine.Id, engine.Model] is { } profile
            ? SliceTime.Fit(profile.StepTime)
            : SliceTime.Unknown;
    }

    private MapperJob JobOf(int slot, SliceTime time, Instant now)
    {
        ref readonly var queued = ref _known[slot].Queued;
        return MapperJob.Of(
            time, queued.Request.PromptTokens + queued.OutputTokens, _expected[slot].OutputTokens, queued.Request,
            queued.OutputTokens > 0, now);
    }

    /// <summary>Tokens still to come.</summary>
    private int Expect(in QueuedRequest queued)
    {
        var tokens = queued.Predicted.Mean;
        if (options.SamplesLengths) tokens += _rng.NextNormal(Math.Sqrt(Math.Max(0, queued.Predicted.Variance)));
        return Math.Max(1, (int)Math.Clamp(tokens, 1, queued.Request.MaxOutputTokens) - queued.OutputTokens);
    }

    private long TokensOf(int slot)
    {
        ref readonly var queued = ref _known[slot].Queued;
        return queued.Request.PromptTokens + queued.OutputTokens + _expected[slot].OutputTokens;
    }

    private void PlanSoon(EngineQueue queue, Instant now)
    {
        queue.IsDue = true;
        var at = new Instant(now.Ticks + 1);
        if (at < _planAt) _planAt = at;
    }

    private static bool Serves(ref readonly EngineSnapshot engine, ModelId model) => engine.IsReady && engine.Model == model;

    private void Enlist(int slot) => _round.Add((_known[slot].Request.Arrival, _known[slot].Request.Id, slot));

    private void Drain(ref SlotList list)
    {
        while (list.Count > 0)
        {
            Enlist(list.First);
            _known.Remove(ref list, list.First);
        }
    }

    private void Move(ref SlotList from, ref SlotList to, int slot, EngineList name)
    {
        _known.Remove(ref from, slot);
        _known[slot].Group = (int)name;
        _known.InsertByArrival(ref to, slot);
    }

    /// <summary>Out of the queue.</summary>
    private void TakeOut(int slot)
    {
        _known.Remove(ref ListOf(slot), slot);
        if (_known[slot].Engine != EngineId.None) _engines[_known[slot].Engine.Index].Tokens -= TokensOf(slot);
    }

    private ref SlotList ListOf(int slot)
    {
        if (_known[slot].Engine == EngineId.None) return ref _homeless;
        var queue = _engines[_known[slot].Engine.Index];
        switch ((EngineList)_known[slot].Group)
        {
            case EngineList.Ready: return ref queue.Ready;
            case EngineList.Waiting: return ref queue.Waiting;
            case EngineList.Late: return ref queue.Late;
            default: return ref queue.Running;
        }
    }

    private void Ensure(int engines)
    {
        var old = _engines.Length;
        if (old >= engines) return;
        Array.Resize(ref _engines, engines);
        for (var i = old; i < engines; i++) _engines[i] = new();
    }
}
