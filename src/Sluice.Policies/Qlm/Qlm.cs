using Sluice.Core;

namespace Sluice.Policies;

/// <summary>QLM: requests of all models in groups, groups in one virtual queue per engine, and the serving operations that
/// follow from the queues' order.</summary>
/// <remarks>
/// Here: what happens at each event. Grouping is <see cref="GroupIndex"/>, the waiting-time estimate
/// <see cref="WaitingTime"/>, the order <see cref="QlmPlan"/> and <see cref="PlanSearch"/>.
/// Pulling: an engine with room takes the first request of its queue's first group, as long as that group's model is loaded.
/// "Room" is own accounting: a free place in the batch, and KV for the prompt and half of the predicted output. An engine
/// whose queue is empty takes over the group of its model that is due first among those that have not started.
/// O(open groups) per arrival, O(engines) for the first request of a group, O(1) per pull; nothing grows with the number of
/// requests queued, and nothing is allocated once warm.
/// Source: Patke et al., "Queue Management for SLO-Oriented Large Language Model Serving" (SoCC 2024).
/// </remarks>
public sealed class Qlm : IGlobalScheduler, IReportsCalibration, IForecastsWaits, IShowsQueues
{
    private readonly QlmState _state;
    private readonly Rwt _rwt;
    private readonly TailFactor _tail = new();
    private readonly QlmPlan _plan;
    private readonly IdleEngines _idle;
    private readonly Forecasts _forecasts;

    public Qlm(QlmOptions options, FleetInfo? fleet)
    {
        _state = new QlmState(options, fleet);
        _rwt = new Rwt(_state);
        _idle = new IdleEngines(_state);
        var evictions = new Evictions(_state, _rwt);
        _plan = new QlmPlan(_state, _rwt, _idle, evictions);
        _forecasts = new Forecasts(_state, _rwt, evictions);
    }

    public RwtCalibration Calibration { get; } = new();

    /// <summary>What plans were made so far, for tests and tuning.</summary>
    public PlanCounts Counts => _plan.Counts;

    public Instant PlanAt => _plan.At;

    public void Show(List<QueuedGroup> groups) => _state.Show(groups);

    public bool PlansReadReports => true;

    public EngineId OnQueued(in QueuedRequest request, ClusterView view)
    {
        _state.Begin(view);
        _plan.Wake(view.Now);
        _state.CountWaiting(request.Request.Model, 1);
        var isBack = _state.Backlog.TryFind(request.Request.Id, out var entry);
        if (isBack) Return(entry, in request, view);
        else entry = Join(in request, view);

        ref var e = ref _state.Backlog[entry];
        var engine = _state.Backlog.Group(e.Group).Queue;
        if (engine == _state.Limbo) return EngineId.None;
        if (view.Engines[engine].CanTake(e.Request) && Next(engine, view) == entry)
        {
            Start(entry, engine, view);
            return new(engine);
        }

        if (!isBack) Predict(entry, view);
        return EngineId.None;
    }

    public void OnWithdrawn(Request request, ClusterView view)
    {
        var isThere = _state.Backlog.TryFind(request.Id, out var entry);
        Check.That(isThere);
        Unlink(entry);
        var group = _state.Backlog[entry].Group;
        _state.Backlog.FreeEntry(entry);
        _state.ReleaseIfEmpty(group);
    }

    public bool TryTake(EngineId engine, ClusterView view, out RequestId request)
    {
        request = default;
        if (_state.Queues.Length == 0) return false;
        var entry = Next(engine.Index, view);
        if (entry < 0) return false;
        request = _state.Backlog[entry].Request.Id;
        Start(entry, engine.Index, view);
        return true;
    }

    public void OnFirstToken(Request request, EngineId engine, ClusterView view)
    {
        if (!_state.Backlog.TryFind(request.Id, out var entry)) return;
        _state.Backlog[entry].HasFirstToken = true;
        _state.Loads.SeeFirstToken(entry, engine.Index, view);
        WantWhenPromptsFit(engine.Index, view);
    }

    public void OnStayed(Request request, EngineId engine, ClusterView view)
    {
        if (!_state.Backlog.TryFind(request.Id, out var entry)) return;
        _state.Loads.Stay(entry);
        _plan.Wake(view.Now);
    }

    public void OnOff(Request request, EngineId engine, EventKind how, int outputTokens, ClusterView view)
    {
        var isThere = _state.Backlog.TryFind(request.Id, out var entry);
        Check.That(isThere);
        _plan.Wake(view.Now);
        if (how is EventKind.Finished) _state.Loads.SeeFirstToken(entry, engine.Index, view); // Whole answers show none before.
        _state.Loads.Remove(entry, outputTokens, view);
        if (_state.Queues[engine.Index].Count == 0) _state.Loads[engine.Index].BusySince = long.MaxValue;
        if (how is EventKind.Evicted or EventKind.EngineLost) return; // It is queued again at once.

        if (how is EventKind.Finished) _state.Speeds.Observe(request.Model, request.PromptTokens, outputTokens);
        var group = _state.Backlog[entry].Group;
        _state.Backlog.Group(group).Away--;
        _state.Backlog.FreeEntry(entry);
        _state.ReleaseIfEmpty(group);
    }

    public void OnEngineChanged(EngineId engine, ClusterView view)
    {
        _state.Begin(view);
        ref var account = ref _state.Loads[engine.Index];
        if (account.Loading >= 0 && account.Loading != view.Engines[engine.Index].Model.Index)
            account.LeastUntil = account.ResidentUntil = view.Now.Ticks; // The load failed: the old model need not stay for it.
        account.Loading = -1;
        account.BusySince = long.MaxValue;
        if (!view.Engines[engine.Index].IsPresent) Abandon(engine, view);
        else Stand(engine, view);
        _state.Want(view.Now);
        _plan.Wake(view.Now);
    }

    public void Plan(ClusterView view, Operations operations)
    {
        _state.Begin(view);
        _plan.Run(view, operations);
    }

    public WaitForecast Forecast(Request request, TokenEstimate predicted, ClusterView view)
    {
        _state.Begin(view);
        return _forecasts.Newcomer(request, predicted, Service(request, predicted.Mean, view), view);
    }

    public WaitForecast ForecastOf(RequestId request, ClusterView view) =>
        _state.Backlog.TryFind(request, out var entry) ? _forecasts.Queued(entry, view) : WaitForecast.None;

    /// <summary>A new request joins the nearest open group, or opens one.</summary>
    private int Join(in QueuedRequest request, ClusterView view)
    {
        var (r, backlog) = (request.Request, _state.Backlog);
        _state.SeePromise(r);
        if (request.Predicted.Mean > 0) _state.Speeds.ObserveFirst(r.Model, r.PromptTokens, request.Predicted.Mean);
        var deadline = QlmDeadline.Of(r, Service(r, request.Predicted.Mean, view), _state.Options.BestEffort);
        var entry = backlog.AddEntry(new()
        {
            Request = r, Predicted = request.Predicted, OutputTokens = request.OutputTokens, KvAt = EngineId.None,
            Engine = EngineId.None, Deadline = deadline.Ticks, QueuedAt = view.Now.Ticks, WaitMean = double.NaN,
        });

        var promise = Math.Log(Math.Max(1e-3, (deadline - r.Arrival).TotalSeconds));
        var prompt = Math.Log(Math.Max(1, r.PromptTokens));
        var output = Math.Log(Math.Max(1, request.Predicted.Mean));
        var group = _state.Index.Find(r.Model, promise, prompt, output);
        var isNew = group < 0;
        if (isNew) group = backlog.AddGroup(r.Model, view.Now.Ticks);
        else _state.Uncount(group);
        backlog.Append(entry, group);
        _state.Index.Include(group, promise, prompt, output);
        if (isNew)
        {
            _state.Index.Open(group);
            _state.Place(group, view);
        }
        else
        {
            _state.Recount(group);
        }

        _state.Index.Pass(r.Model, promise, _state.GroupMax(r.Model, view));
        _state.Overtaking.Observe(r.Model, (deadline - r.Arrival).TotalSeconds, backlog[entry].Work, view.Now.Ticks);
        return entry;
    }

    /// <summary>An evicted or lost request goes to the head of its group.</summary>
    private void Return(int entry, in QueuedRequest request, ClusterView view)
    {
        ref var e = ref _state.Backlog[entry];
        ref var g = ref _state.Backlog.Group(e.Group);
        g.Away--;
        (e.OutputTokens, e.KvAt) = (request.OutputTokens, request.KvAt);
        if (e.HasFirstToken)
        {
            var service = Service(e.Request, e.RemainingTokens, view);
            e.Deadline = QlmDeadline.Again(e.Request, view.Now, service, _state.Options.BestEffort).Ticks;
        }

        _state.Uncount(e.Group);
        _state.Backlog.Return(entry, e.Group);
        _state.Recount(e.Group);
        g.IsLate = false;
        if (g.Queue < 0) _state.Place(e.Group, view);
    }

    /// <summary>The entry that the engine may take now, or -1.</summary>
    private int Next(int engine, ClusterView view)
    {
        ref readonly var snapshot = ref view.Engines[engine];
        ref var account = ref _state.Loads[engine];
        if (!snapshot.IsReady) return -1;
        var queue = _state.Queues[engine];
        if (queue.Count == 0 && _state.Options.Balancing) _idle.TakeOver(engine, view);
        if (queue.Count == 0)
        {
            account.BusySince = long.MaxValue;
            return -1;
        }

        ref var head = ref _state.Backlog.Group(queue.Groups[0]);
        if (head.Model != snapshot.Model)
        {
            account.BusySince = long.MaxValue;
            if (snapshot.Outstanding == 0) _state.Want(new(Math.Max(view.Now.Ticks, _state.StayUntil(engine, view))));
            return -1;
        }

        if (!_state.Options.Pulling) return head.First;
        if (_state.Loads.HasRoom(engine, in _state.Backlog[head.First], view)) return head.First;
        if (account.BusySince == long.MaxValue) account.BusySince = view.Now.Ticks;
        WantWhenPromptsFit(engine, view);
        return -1;
    }

    /// <summary>Nothing else may happen until an engine that has places has computed its prompts.</summary>
    private void WantWhenPromptsFit(int engine, ClusterView view)
    {
        if (_state.Options.Prompts == TimeSpan.Zero || _state.Queues[engine].Count == 0 || view.Engines[engine].FreeSlots <= 0) return;
        var wait = _state.Loads.UntilPromptsFit(engine, view);
        _state.Want(wait > TimeSpan.Zero ? view.Now + wait : view.Now);
    }

    private void Start(int entry, int engine, ClusterView view)
    {
        Unlink(entry);
        ref var e = ref _state.Backlog[entry];
        ref var g = ref _state.Backlog.Group(e.Group);
        g.Away++;
        if (!g.IsStarted) _state.Index.Close(e.Group);
        g.IsStarted = true;

        g.Home = engine;
        if (!double.IsNaN(e.WaitMean))
        {
            var waited = (view.Now.Ticks - e.QueuedAt) / (double)TimeSpan.TicksPerSecond;
            Calibration.Add(e.WaitMean, e.WaitP90, waited);
            _tail.Observe(e.WaitMean, waited, view.Now.Ticks / (double)TimeSpan.TicksPerSecond);
        }

        e.WaitMean = double.NaN;
        if (e.KvAt.Index != engine) e.KvAt = EngineId.None;
        _state.Loads.Add(entry, engine, view);
        _plan.Wake(view.Now);
        _state.ReleaseIfEmpty(e.Group);
    }

    private void Unlink(int entry)
    {
        var group = _state.Backlog[entry].Group;
        _state.CountWaiting(_state.Backlog[entry].Request.Model, -1);
        _state.Uncount(group);
        _state.Backlog.Unlink(entry);
        _state.Recount(group);
    }

    /// <summary>Notes what wait is predicted, and wants a plan when it is too long; once per group.</summary>
    private void Predict(int entry, ClusterView view)
    {
        ref var e = ref _state.Backlog[entry];
        var wait = _rwt.Promised(entry, view);
        (e.WaitMean, e.WaitP90) = (wait.Mean, _tail.P90(in wait));
        ref var g = ref _state.Backlog.Group(e.Group);
        if (g.IsLate || !_rwt.IsLate(e.Group, view)) return;
        g.IsLate = true;
        _plan.SeeViolation();
        _state.Want(view.Now);
    }

    /// <summary>An engine has another model, or one less that it could load: what it cannot run goes elsewhere.</summary>
    private void Stand(EngineId engine, ClusterView view)
    {
        ref readonly var snapshot = ref view.Engines[engine.Index];
        var queue = _state.Queues[engine.Index];
        for (var i = queue.Count - 1; i >= 0 && snapshot.FailedModels != 0; i--)
        {
            var group = queue.Groups[i];
            ref var g = ref _state.Backlog.Group(group);
            if (snapshot.CanLoad(g.Model)) continue;
            _state.TakeOut(group);
            g.Home = -1;
            _state.Place(group, view);
        }

        _state.FindFirstRun(engine.Index, isPlanned: false, view);
    }

    /// <summary>An engine is lost: its groups go elsewhere, and the KV in its host's memory is gone.</summary>
    private void Abandon(EngineId engine, ClusterView view)
    {
        var queue = _state.Queues[engine.Index];
        while (queue.Count > 0)
        {
            var group = queue.Groups[0];
            _state.TakeOut(group);
            ref var g = ref _state.Backlog.Group(group);
            for (var entry = g.First; entry >= 0; entry = _state.Backlog[entry].Next)
                if (_state.Backlog[entry].KvAt == engine) _state.Backlog.LoseKv(entry);
            g.Home = -1;
            _state.Place(group, view);
        }
    }

    private TimeSpan Service(Request request, double outputTokens, ClusterView view)
    {
        if (request.Slo.Ttft != TimeSpan.MaxValue || request.Slo.E2e == TimeSpan.MaxValue) return TimeSpan.Zero;
        for (var v = 0; v < view.Engines.Length; v++)
        {
            if (!_state.Speeds.CanRun(new(v), request.Model, view)) continue;
            var speed = _state.Speeds.Of(new(v), request.Model, view);
            return TimeSpan.FromSeconds(Math.Min(1e9, request.PromptTokens * speed.PromptSeconds + outputTokens * speed.StepSeconds));
        }

        return TimeSpan.Zero;
    }
}
