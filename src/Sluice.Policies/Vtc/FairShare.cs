using Sluice.Core;

namespace Sluice.Policies;

public sealed record FairShareOptions
{
    /// <summary>Price of a token of prompt, and of output.</summary>
    public double InputPrice { get; init; } = 1;

    public double OutputPrice { get; init; } = 2;

    /// <summary>Weights by tenant number; 1 beyond the list.</summary>
    public IReadOnlyList<double> Weights { get; init; } = [];
}

/// <summary>Shares service fairly among tenants, inside whatever order another scheduler decides: the other one says which kind
/// of request goes next on which engine, and the tenant that was served least gives the request.</summary>
/// <remarks>
/// A virtual token counter per tenant, model and class: prompt tokens and predicted output tokens, by price and weight, are
/// reserved when a request goes to an engine, and settled by the real length when it leaves (the "predict" variant of VTC;
/// an engine's single tokens are not told to a global scheduler). A tenant that comes back is lifted to the least counter of
/// those waiting. Work conserving: whenever the inner scheduler dispatches, something is dispatched.
/// How one request takes another's turn: the two exchange the names under which the inner scheduler knows them. So the inner
/// scheduler keeps its own account without knowing of tenants; it may see the size of a neighbour. Requests that have run
/// before keep their own place, because their KV may wait for them.
/// Bound: of two tenants that both always have waiting requests of one kind, neither gets more than about twice the cost of the
/// largest request on top of the other's weighted service.
/// O(log waiting) per request, O(tenants) when a tenant's first request comes; no allocation once warm.
/// Source: Sheng et al., "Fairness in Serving Large Language Models" (OSDI 2024), virtual token counter.
/// </remarks>
public class FairShare : IGlobalScheduler, IWeighsTenants
{
    /// <summary>Kinds of requests that are told apart. Callers choose priorities and promises, so there must be a bound; what
    /// comes beyond it keeps the inner scheduler's order.</summary>
    private const int KindsMax = 1024;

    private readonly FairShareOptions _options;
    private readonly IGlobalScheduler _inner;
    private readonly Dictionary<(ModelId, ClassId), ServiceCounters> _pools = [];
    private readonly Dictionary<Kind, TenantQueues> _kinds = [];
    private readonly List<TenantQueues> _all = [];
    private readonly IdMap _byOwn = new();
    private readonly IdMap _byAlias = new();
    private readonly Stack<int> _free = [];
    private readonly Operations _innerOperations = new();
    private Entry[] _entries = new Entry[64];
    private double[] _weights = new double[16];
    private int _used;

    protected FairShare(IGlobalScheduler inner, FairShareOptions options)
    {
        (_inner, _options) = (inner, options);
        Array.Fill(_weights, 1);
        for (var i = 0; i < options.Weights.Count; i++) SetWeight(new(i), options.Weights[i]);
    }

    public Instant PlanAt => _inner.PlanAt;
    public bool ReadsReports => _inner.ReadsReports;
    public bool PlansReadReports => _inner.PlansReadReports;

    /// <summary>With the abilities that the inner scheduler has.</summary>
    public static FairShare Around(IGlobalScheduler inner, FairShareOptions options) =>
        inner is IForecastsWaits and IReportsCalibration ? new ForecastingFairShare(inner, options) : new FairShare(inner, options);

    public void SetWeight(TenantId tenant, double weight)
    {
        Check.That(weight > 0);
        if (tenant.Index >= _weights.Length)
        {
            var old = _weights.Length;
            Array.Resize(ref _weights, Math.Max(tenant.Index + 1, old * 2));
            Array.Fill(_weights, 1, old, _weights.Length - old);
        }

        _weights[tenant.Index] = weight;
    }

    public EngineId OnQueued(in QueuedRequest request, ClusterView view)
    {
        var own = request.Request;
        if (!_byOwn.TryGet(own.Id, out var slot)) slot = Know(own);
        ref var entry = ref _entries[slot];
        entry.Predicted = request.Predicted.Mean;
        var engine = _inner.OnQueued(request with { Request = entry.Alias }, view);
        if (engine != EngineId.None)
        {
            if (entry.Queues is { } queues && queues.Counters.Join(own.Tenant)) UpdateAll(queues.Counters, own.Tenant);
            Charge(slot);
            entry.Queues?.Counters.Leave(own.Tenant);
            return engine;
        }

        entry.IsWaiting = entry.Queues is not null && request.OutputTokens == 0 && request.KvAt == EngineId.None;
        if (!entry.IsWaiting) return EngineId.None;
        if (entry.Queues!.Counters.Join(own.Tenant)) UpdateAll(entry.Queues.Counters, own.Tenant);
        entry.Queues.Add(slot, own);
        return EngineId.None;
    }

    public void OnWithdrawn(Request request, ClusterView view)
    {
        var slot = SlotOf(request.Id);
        _inner.OnWithdrawn(_entries[slot].Alias, view);
        StopWaiting(slot);
        Forget(slot);
    }

    public bool TryTake(EngineId engine, ClusterView view, out RequestId request)
    {
        if (!_inner.TryTake(engine, view, out request)) return false;
        _byAlias.TryGet(request, out var chosen);
        var slot = chosen;
        if (_entries[chosen].IsWaiting && _entries[chosen].Queues!.TryPeek(out var fair)
            && view.Engines[engine.Index].CanTake(_entries[fair].Own)) slot = fair;
        if (slot != chosen) ExchangeNames(slot, chosen);

        // Still among the waiting when it is charged, so that its place in their order moves first.
        Charge(slot);
        StopWaiting(slot);
        request = _entries[slot].Own.Id;
        return true;
    }

    public void OnFirstToken(Request request, EngineId engine, ClusterView view) =>
        _inner.OnFirstToken(_entries[SlotOf(request.Id)].Alias, engine, view);

    public void OnStayed(Request request, EngineId engine, ClusterView view) =>
        _inner.OnStayed(_entries[SlotOf(request.Id)].Alias, engine, view);

    public void OnOff(Request request, EngineId engine, EventKind how, int outputTokens, ClusterView view)
    {
        var slot = SlotOf(request.Id);
        Settle(slot, outputTokens);
        _inner.OnOff(_entries[slot].Alias, engine, how, outputTokens, view);
        if (how is not (EventKind.Evicted or EventKind.EngineLost)) Forget(slot);
    }

    public void OnMoved(Request request, EngineId engine, ClusterView view) =>
        _inner.OnMoved(_entries[SlotOf(request.Id)].Alias, engine, view);

    public void OnEngineChanged(EngineId engine, ClusterView view) => _inner.OnEngineChanged(engine, view);

    public void Plan(ClusterView view, Operations operations)
    {
        _innerOperations.Clear();
        _inner.Plan(view, _innerOperations);
        foreach (var operation in _innerOperations.All)
        {
            if (operation.Kind is not (OperationKind.Evict or OperationKind.Migrate)) operations.Add(operation);
            else if (_byAlias.TryGet(operation.Request, out var slot)) operations.Add(operation with { Request = _entries[slot].Own.Id });
        }
    }

    /// <summary>The name under which the inner scheduler knows a request.</summary>
    protected RequestId AliasOf(RequestId own) => _entries[SlotOf(own)].Alias.Id;

    /// <summary>The request that the inner scheduler knows under a name.</summary>
    protected RequestId OwnOf(RequestId alias) => _byAlias.TryGet(alias, out var slot) ? _entries[slot].Own.Id : alias;

    private int Know(Request own)
    {
        if (!_free.TryPop(out var slot)) slot = _used++;
        if (slot == _entries.Length) Array.Resize(ref _entries, slot * 2);
        _entries[slot] = new() { Own = own, Alias = own, Queues = QueuesOf(own) };
        _byOwn.Add(own.Id, slot);
        _byAlias.Add(own.Id, slot);
        SetWeight(own.Tenant, own.Tenant.Index < _weights.Length ? _weights[own.Tenant.Index] : 1);
        return slot;
    }

    private void Forget(int slot)
    {
        ref var entry = ref _entries[slot];
        _byOwn.Remove(entry.Own.Id, out _);
        _byAlias.Remove(entry.Alias.Id, out _);
        entry = default;
        _free.Push(slot);
    }

    private int SlotOf(RequestId own)
    {
        var isKnown = _byOwn.TryGet(own, out var slot);
        Check.That(isKnown);
        return slot;
    }

    private TenantQueues? QueuesOf(Request request)
    {
        var kind = new Kind(request.Model, request.Class, request.Priority, Magnitude(request.Slo.Ttft), Magnitude(request.Slo.E2e));
        if (!_kinds.TryGetValue(kind, out var queues))
        {
            if (_kinds.Count == KindsMax) return null;
            if (!_pools.TryGetValue((request.Model, request.Class), out var counters))
                _pools.Add((request.Model, request.Class), counters = new());
            _kinds.Add(kind, queues = new(counters));
            _all.Add(queues);
        }

        queues.Counters.Know(request.Tenant);
        return queues;
    }

    /// <summary>Promises within a factor of two are of one kind.</summary>
    private static int Magnitude(TimeSpan promise) =>
        promise == TimeSpan.MaxValue ? 64 : 63 - System.Numerics.BitOperations.LeadingZeroCount((ulong)Math.Max(1, promise.Ticks));

    private void ExchangeNames(int a, int b)
    {
        _byAlias.Remove(_entries[a].Alias.Id, out _);
        _byAlias.Remove(_entries[b].Alias.Id, out _);
        (_entries[a].Alias, _entries[b].Alias) = (_entries[b].Alias, _entries[a].Alias);
        _byAlias.Add(_entries[a].Alias.Id, a);
        _byAlias.Add(_entries[b].Alias.Id, b);
    }

    private void StopWaiting(int slot)
    {
        ref var entry = ref _entries[slot];
        if (!entry.IsWaiting) return;
        entry.IsWaiting = false;
        entry.Queues!.Remove(slot, entry.Own.Tenant);
        entry.Queues.Counters.Leave(entry.Own.Tenant);
    }

    /// <summary>Reserves its prompt, unless it had that, and the output it is predicted to have still before it.</summary>
    private void Charge(int slot)
    {
        ref var entry = ref _entries[slot];
        if (entry.Queues is not { } queues) return;
        var prompt = entry.HasPrompt ? 0 : entry.Own.PromptTokens;
        entry.Reserved = CostOf(in entry, prompt, Math.Max(0, entry.Predicted - entry.OutputTokens));
        queues.Counters.Reserve(entry.Own.Tenant, entry.Reserved);
        UpdateAll(queues.Counters, entry.Own.Tenant);
    }

    private void Settle(int slot, int outputTokens)
    {
        ref var entry = ref _entries[slot];
        if (entry.Queues is not { } queues) return;
        var prompt = entry.HasPrompt ? 0 : entry.Own.PromptTokens;
        queues.Counters.Settle(
            entry.Own.Tenant, entry.Reserved, CostOf(in entry, prompt, Math.Max(0, outputTokens - entry.OutputTokens)));
        (entry.HasPrompt, entry.OutputTokens, entry.Reserved) = (true, outputTokens, 0);
        UpdateAll(queues.Counters, entry.Own.Tenant);
    }

    private double CostOf(in Entry entry, int prompt, double output) =>
        (_options.InputPrice * prompt + _options.OutputPrice * output) / _weights[entry.Own.Tenant.Index];

    private void UpdateAll(ServiceCounters counters, TenantId tenant)
    {
        foreach (var queues in _all)
            if (ReferenceEquals(queues.Counters, counters)) queues.Update(tenant);
    }

    private readonly record struct Kind(ModelId Model, ClassId Class, int Priority, int Ttft, int E2e);

    /// <summary>A request that is queued or on an engine.</summary>
    private struct Entry
    {
        public Request Own;

        /// <summary>What the inner scheduler takes it for.</summary>
        public Request Alias;

        /// <summary>Null if there were too many kinds.</summary>
        public TenantQueues? Queues;

        public double Predicted;

        /// <summary>Service reserved while it is on an engine.</summary>
        public double Reserved;

        /// <summary>Settled so far.</summary>
        public int OutputTokens;
        public bool HasPrompt;
        public bool IsWaiting;
    }
}
