using Sluice.Core;

namespace Sluice.Policies;

/// <summary>Slice-level scheduling: requests gather in a pool, go out in rounds as static batches that run for one slice of
/// tokens, and whoever is not finished comes back to the pool.</summary>
/// <remarks>
/// Source: Cheng et al., "Slice-Level Scheduling for High Throughput and Load Balanced LLM Serving" (arXiv 2406.13511). A
/// round drains a model's pool, batches it by <see cref="SlicePartition"/>, and gives the batches, the longest first, to the
/// engine with the least estimated work; a batch that returns takes its own estimate off again. The next round comes when the
/// least loaded engine has a share of its work left, or at once when an engine stands idle [I]. Of a sequence that returns
/// nothing is kept: the next slice computes its tokens again. Padding of prompts is not simulated; early finishers stay,
/// computed and paid for, until their batch ends. Ties go by arrival and by engine. O(n · batch) per round, O(1) per request
/// otherwise; a round allocates nothing once warm.
/// </remarks>
public sealed class Scls(SclsOptions options, FleetInfo? fleet) : IGlobalScheduler
{
    /// <summary>Sequences in the batch of an engine that nothing is known of. [I]</summary>
    private const int SequencesMax = 256;

    private static readonly Comparison<(int Length, int Slot)> s_byLength = static (a, b) => a.CompareTo(b);
    private static readonly Comparison<(double Seconds, int Begin, int End)> s_longestFirst = static (a, b) =>
        a.Seconds != b.Seconds ? b.Seconds.CompareTo(a.Seconds) : a.Begin.CompareTo(b.Begin);

    private readonly KnownRequests _known = new();
    private readonly EngineSlices _slices = new();
    private readonly SlicePartition _partition = new();
    private readonly List<(int Length, int Slot)> _round = new(256);
    private readonly List<int> _ends = new(64);
    private readonly List<(double Seconds, int Begin, int End)> _batches = new(64);
    private readonly List<SliceTime?> _times = []; // by model
    private int[] _lengths = new int[256];
    private SlotList[] _pools = []; // by model
    private int _turn;
    private Instant _planAt = Instant.Never;

    public Instant PlanAt => _planAt;

    public EngineId OnQueued(in QueuedRequest request, ClusterView view)
    {
        _slices.Ensure(view.Engines.Length);
        var slot = _known.Add(in request);
        _known[slot].Group = -1;
        _known.Append(ref PoolOf(request.Request.Model), slot);
        PlanSoon(request.Request.Model, view);
        return EngineId.None;
    }

    public void OnWithdrawn(Request request, ClusterView view)
    {
        var slot = _known.SlotOf(request);
        var slice = _known[slot].Group;
        if (slice < 0) _known.Remove(ref PoolOf(request.Model), slot);
        else _known.Remove(ref _slices[slice].Waiting, slot);
        _known.Forget(slot);
        if (slice >= 0) _slices.EndIfEmpty(slice);
    }

    /// <remarks>A batch goes onto an engine that is idle, all of it at one instant.</remarks>
    public bool TryTake(EngineId engine, ClusterView view, out RequestId request)
    {
        _slices.Ensure(view.Engines.Length);
        request = default;
        ref readonly var snapshot = ref view.Engines[engine.Index];
        var head = _slices.HeadOf(engine);
        if (head < 0)
        {
            PlanSoon(snapshot.Model, view);
            return false;
        }

        ref var slice = ref _slices[head];
        if (slice.Waiting.Count == 0 || slice.Model != snapshot.Model) return false;
        if (slice.BeganAt != view.Now && snapshot.Outstanding > 0) return false;

        var slot = slice.Waiting.First;
        _known.Remove(ref slice.Waiting, slot);
        slice.BeganAt = view.Now;
        slice.Running++;
        request = _known[slot].Request.Id;
        return true;
    }

    public void OnOff(Request request, EngineId engine, EventKind how, int outputTokens, ClusterView view)
    {
        var slot = _known.SlotOf(request);
        var slice = _known[slot].Group;
        _known.Forget(slot);
        _slices[slice].Running--;
        _slices.EndIfEmpty(slice);
    }

    public void OnEngineChanged(EngineId engine, ClusterView view)
    {
        _slices.Ensure(view.Engines.Length);
        ref readonly var snapshot = ref view.Engines[engine.Index];
        _ends.Clear();
        _slices.TakeBack(engine, snapshot.IsPresent ? snapshot.Model : null, _known, _ends);
        foreach (var slot in _ends)
        {
            _known[slot].Group = -1;
            _known.Append(ref PoolOf(_known[slot].Request.Model), slot);
        }

        for (var model = 0; model < _pools.Length; model++) PlanSoon(new(model), view);
    }

    public void Plan(ClusterView view, Operations operations)
    {
        _slices.Ensure(view.Engines.Length);
        _planAt = Instant.Never;
        for (var model = 0; model < _pools.Length; model++)
        {
            if (_pools[model].Count == 0 || !TryRoom(new(model), view, out var sizeMax, out var tokensMax)) continue;
            Drain(ref _pools[model]);
            Cut(_times[model]!, sizeMax, tokensMax);
            Offload(new(model), view);
        }
    }

    /// <summary>What the smallest engine with the model holds: a batch must fit wherever it goes.</summary>
    /// <returns>False if no engine has the model.</returns>
    private bool TryRoom(ModelId model, ClusterView view, out int sizeMax, out long tokensMax)
    {
        (sizeMax, tokensMax) = (int.MaxValue, long.MaxValue);
        foreach (ref readonly var engine in view.Engines)
        {
            if (!Serves(in engine, model)) continue;
            var profile = fleet?[engine.Id, model];
            _times[model.Index] ??= profile is null ? SliceTime.Unknown : SliceTime.Fit(profile.StepTime);
            sizeMax = Math.Min(sizeMax, Math.Min(engine.OutstandingMax, profile?.SequencesMax ?? SequencesMax));
            tokensMax = Math.Min(tokensMax, (long)engine.TotalBlocks * engine.BlockTokens);
        }

        tokensMax = (long)(options.MemoryShare * tokensMax);
        return sizeMax < int.MaxValue;
    }

    /// <summary>Empties a pool into a list, by length or as they came.</summary>
    private void Drain(ref SlotList pool)
    {
        _round.Clear();
        while (pool.Count > 0)
        {
            var slot = pool.First;
            _known.Remove(ref pool, slot);
            _round.Add((_known[slot].Request.PromptTokens + _known[slot].Queued.OutputTokens, slot));
        }

        if (options.Batches != SliceBatching.Fixed) _round.Sort(s_byLength);
        if (_lengths.Length < _round.Count) _lengths = new int[_round.Count * 2];
        for (var i = 0; i < _round.Count; i++) _lengths[i] = _round[i].Length;
    }

    private void Cut(SliceTime time, int sizeMax, long tokensMax)
    {
        var lengths = _lengths.AsSpan(0, _round.Count);
        if (options.Batches is SliceBatching.Optimal)
        {
            _partition.Find(lengths, time, options.SliceTokens, sizeMax, tokensMax, _ends);
        }
        else
        {
            _ends.Clear();
            for (var end = 0; end < lengths.Length;) _ends.Add(end = Math.Min(lengths.Length, end + Math.Min(sizeMax, options.FixedSize)));
        }

        _batches.Clear();
        var begin = 0;
        foreach (var end in _ends)
        {
            var longest = 0;
            foreach (var length in lengths[begin..end]) longest = Math.Max(longest, length);
            _batches.Add((time.Of(end - begin, longest, options.SliceTokens), begin, end));
            begin = end;
        }
    }

    private void Offload(ModelId model, ClusterView view)
    {
        if (options.MaxMin) _batches.Sort(s_longestFirst);
        foreach (var (seconds, begin, end) in _batches)
        {
            var slice = _slices.Give(options.MaxMin ? LeastLoaded(model, view) : NextInTurn(model, view), model, seconds);
            for (var i = begin; i < end; i++)
            {
                _known[_round[i].Slot].Group = slice;
                _known.Append(ref _slices[slice].Waiting, _round[i].Slot);
            }
        }
    }

    private EngineId LeastLoaded(ModelId model, ClusterView view)
    {
        var best = EngineId.None;
        foreach (ref readonly var engine in view.Engines)
            if (Serves(in engine, model) && (best == EngineId.None || _slices.LoadOf(engine.Id) < _slices.LoadOf(best))) best = engine.Id;
        return best;
    }

    private EngineId NextInTurn(ModelId model, ClusterView view)
    {
        while (true)
        {
            ref readonly var engine = ref view.Engines[_turn++ % view.Engines.Length];
            if (Serves(in engine, model)) return engine.Id;
        }
    }

    /// <summary>The next round for a pool that is not empty: at once if an engine stands idle, else when the least loaded has
    /// a share of its work left.</summary>
    private void PlanSoon(ModelId model, ClusterView view)
    {
        if (model.Index >= _pools.Length || _pools[model.Index].Count == 0) return;
        var least = LeastLoaded(model, view);
        if (least == EngineId.None) return;
        var at = _slices.HeadOf(least) < 0
            ? new(view.Now.Ticks + 1)
            : view.Now + TimeSpan.FromSeconds(Math.Max(options.WaitShare * _slices.LoadOf(least), options.WaitMin.TotalSeconds));
        if (at < _planAt) _planAt = at;
    }

    private static bool Serves(ref readonly EngineSnapshot engine, ModelId model) => engine.IsReady && engine.Model == model;

    private ref SlotList PoolOf(ModelId model)
    {
        while (_times.Count <= model.Index) _times.Add(null);
        var old = _pools.Length;
        if (old <= model.Index)
        {
            Array.Resize(ref _pools, model.Index + 1);
            Array.Fill(_pools, SlotList.Empty, old, _pools.Length - old);
        }

        return ref _pools[model.Index];
    }
}
