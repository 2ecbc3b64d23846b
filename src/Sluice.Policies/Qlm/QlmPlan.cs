using Sluice.Core;

namespace Sluice.Policies;

/// <summary>How often what was done since the run began.</summary>
/// <param name="Searches">Times the solver was called.</param>
/// <param name="Violations">Groups that were newly predicted to be late.</param>
/// <param name="Moves">Candidates the solver looked at, over all searches.</param>
/// <param name="Merges">Groups that were merged into another.</param>
public readonly record struct PlanCounts(
    long Plans, long Searches, long Violations, long Moves, long Evictions, long Loads, long Merges);

/// <summary>What happens at a plan, and when there is one.</summary>
/// <remarks>
/// A plan is made as soon as a group is newly predicted to be late, when an engine wants another model, and every tick while
/// something waits; never per request, and no two within 20 ms. Its steps:
/// <list type="number">
/// <item>read the engines' reports; place groups that no engine could run so far;</item>
/// <item>at a tick, merge neighbours that turned out close; walk every queue: who is late? (the violation test);</item>
/// <item>if somebody is newly late, or still late at a tick: find a new order;</item>
/// <item>give idle engines something to do;</item>
/// <item>evict, load, ask for more or fewer engines, as the order wants.</item>
/// </list>
/// Late groups: lateness is paid for in proportion, so a group that is lost anyway does not hold up those that can still be
/// met; and its weight grows by 1 for each <see cref="QlmOptions.Ageing"/>, so newcomers do not hold it up for ever.
/// </remarks>
internal sealed class QlmPlan(QlmState state, Rwt rwt, IdleEngines idle, Evictions evictionRule)
{
    /// <summary>Shortest time between two plans.</summary>
    private static readonly TimeSpan s_spacing = TimeSpan.FromMilliseconds(20);

    private readonly Replanner _replanner = new(state, rwt);
    private readonly GroupMerges _merges = new(state);
    private readonly ModelLoads _loads = new(state);
    private readonly ScaleHook _scale = new(state);
    private Instant _tickAt = Instant.Never;
    private Instant _notBefore;
    private bool _hasViolation;
    private PlanCounts _counts;

    public PlanCounts Counts => _counts with { Moves = _replanner.Moves };

    public Instant At
    {
        get
        {
            if (state.Backlog.Waiting == 0) return _scale.IsUp ? _tickAt : Instant.Never;
            var at = state.WantedAt < _tickAt ? state.WantedAt : _tickAt;
            return at < _notBefore ? _notBefore : at;
        }
    }

    /// <summary>Something happened: plans are made again.</summary>
    public void Wake(Instant now)
    {
        if (_tickAt == Instant.Never) _tickAt = now + state.Options.Tick;
    }

    /// <summary>A group is newly predicted to be late, and marked so.</summary>
    public void SeeViolation()
    {
        _hasViolation = true;
        _counts = _counts with { Violations = _counts.Violations + 1 };
    }

    public void Run(ClusterView view, Operations operations)
    {
        var isTick = view.Now >= _tickAt;
        (_notBefore, _counts) = (view.Now + s_spacing, _counts with { Plans = _counts.Plans + 1 });
        state.WantNothing();

        // 1.
        SeeFull(view);
        state.Loads.ReadReports(view);
        PlaceLimbo(view);

        // 2.
        if (isTick) _counts = _counts with { Merges = _counts.Merges + _merges.Run(view) };
        var isAnyLate = Walk(view);

        // 3.
        if (_hasViolation || (isAnyLate && isTick) || (isTick && !state.Options.Searches))
        {
            _counts = _counts with { Searches = _counts.Searches + 1 };
            _hasViolation = false;
            _replanner.Run(view);
            Walk(view);
            _hasViolation = false; // A new order may make others late; that is its choice, not news.
        }

        // 4.
        if (state.Options.Balancing)
        {
            idle.Split(view);
            if (state.Options.Swapping) idle.TakeOverOtherModels(view);
        }

        // 5.
        var (evictions, loads) = (0, 0);
        if (state.Options.Eviction) evictions = evictionRule.Run(view, operations);
        if (state.Options.Swapping) loads = _loads.Run(view, operations);
        _counts = _counts with { Evictions = _counts.Evictions + evictions, Loads = _counts.Loads + loads };
        if (isTick) _scale.Run(view, operations);

        _tickAt = IsStuck(view) ? Instant.Never : isTick ? view.Now + state.Options.Tick : _tickAt;
    }

    /// <summary>An engine whose places are all taken is not offered anything, so nobody else sees that it does not lack
    /// work.</summary>
    private void SeeFull(ClusterView view)
    {
        for (var v = 0; v < view.Engines.Length; v++)
        {
            ref readonly var snapshot = ref view.Engines[v];
            if (!snapshot.IsReady || snapshot.FreeSlots > 0 || state.Queues[v].Count == 0) continue;
            if (!state.Speeds.IsAssumed(snapshot.Id, snapshot.Model)) continue; // What was measured needs no teaching here.
            if (state.Backlog.Group(state.Queues[v].Groups[0]).Model != snapshot.Model) continue;
            ref var account = ref state.Loads[v];
            account.BusySince = Math.Min(account.BusySince, view.Now.Ticks);
        }
    }

    private void PlaceLimbo(ClusterView view)
    {
        var limbo = state.Queues[state.Limbo];
        for (var i = limbo.Count - 1; i >= 0; i--)
        {
            var group = limbo.Groups[i];
            if (!IsServed(state.Backlog.Group(group).Model, view)) continue;
            state.TakeOut(group);
            state.Place(group, view);
        }
    }

    private bool IsServed(ModelId model, ClusterView view)
    {
        for (var v = 0; v < view.Engines.Length; v++)
            if (state.CanServe(v, model, view)) return true;
        return false;
    }

    /// <returns>True if anybody is late.</returns>
    private bool Walk(ClusterView view)
    {
        var isAnyLate = false;
        for (var v = 0; v < state.Limbo; v++)
        {
            if (state.Queues[v].Count == 0) continue;
            state.LookAhead(v, view);
            foreach (var group in state.Queues[v].Groups)
            {
                var isLate = rwt.IsLate(group, view);
                isAnyLate |= isLate;
                ref var g = ref state.Backlog.Group(group);
                if (isLate && !g.IsLate) SeeViolation();
                g.IsLate = isLate;
            }
        }

        return isAnyLate;
    }

    /// <summary>Nothing runs, nothing loads, nothing is wanted: until something happens, another plan would find the
    /// same.</summary>
    private bool IsStuck(ClusterView view)
    {
        if (state.WantedAt != Instant.Never || _scale.IsUp) return false;
        for (var v = 0; v < view.Engines.Length; v++)
            if (view.Engines[v].Outstanding > 0 || state.Loads[v].Loading >= 0) return false;
        return true;
    }
}
