namespace Sluice.Core;

/// <summary>The only writer of queue state: events in, commands out, facts to the sink.</summary>
/// <remarks>
/// Not thread-safe by design: exactly one loop owns it. Every accepted request is tracked until it ends exactly once as
/// finished, cancelled or failed. The global scheduler holds the queue; the dispatcher asks it for the next request whenever
/// an engine has room, and has its plans enacted. No allocation once warm; O(1) per event beside the policies' own cost.
/// </remarks>
/// <param name="retries">What becomes of models that cannot be loaded; null for the defaults.</param>
public sealed class Dispatcher(
    PolicySet policies, IReadOnlyList<IEngine> engines, EngineSnapshot[] snapshots, IEventSink sink, LoadRetryOptions? retries = null)
{
    private readonly RequestTable _requests = new();
    private readonly Operations _operations = new();
    private readonly LoadRetries _loads = new(retries ?? new());
    private readonly IGlobalScheduler _scheduler = policies.Scheduler;
    private EngineId _pulling = EngineId.None;

    /// <summary>Requests accepted and not on any engine.</summary>
    public int Queued { get; private set; }

    /// <summary>Requests accepted and not ended.</summary>
    public int Live => _requests.Count;

    /// <summary>Who hears that a plan wants more or fewer engines; nobody, if null.</summary>
    public IScaler? Scaler { get; init; }

    /// <summary>When <see cref="Plan"/> is due.</summary>
    public Instant PlanAt => _scheduler.PlanAt < _loads.RetryAt ? _scheduler.PlanAt : _loads.RetryAt;

    /// <summary>The engine a live request is on, or <see cref="EngineId.None"/>.</summary>
    public EngineId EngineOf(RequestId request) =>
        _requests.TryFind(request, out var slot) ? _requests[slot].Engine : EngineId.None;

    /// <summary>A live request as it arrived.</summary>
    public Request? RequestOf(RequestId request) =>
        _requests.TryFind(request, out var slot) ? _requests[slot].Request : null;

    public TokenEstimate PredictionOf(RequestId request) =>
        _requests.TryFind(request, out var slot) ? _requests[slot].Predicted : default;

    /// <summary>How long a request would wait if it arrived now, if the scheduler can say.</summary>
    public WaitForecast? Forecast(Instant now, Request request) =>
        (_scheduler as IForecastsWaits)?.Forecast(request, policies.Lengths.Predict(request), ViewAt(now));

    /// <summary>How long a queued request will still wait, if the scheduler can say.</summary>
    public WaitForecast? ForecastOf(Instant now, RequestId request) =>
        _requests.TryFind(request, out var slot) && _requests[slot].Engine == EngineId.None
            ? (_scheduler as IForecastsWaits)?.ForecastOf(request, ViewAt(now))
            : null;

    public Admission OnArrival(Instant now, Request request)
    {
        var admission = IsHopeless(request.Model, out var until)
            ? Admission.Reject(RejectReason.ModelFailed, until - now)
            : policies.Admission.Decide(request, ViewAt(now));
        if (!admission.IsAccepted)
        {
            sink.Emit(new(now, request.Id, EngineId.None, (int)admission.Reason, EventKind.Rejected));
            return admission;
        }

        var slot = _requests.Add(request, policies.Lengths.Predict(request));
        sink.Emit(new(now, request.Id, EngineId.None, request.PromptTokens, EventKind.Queued));
        Enqueue(now, slot);
        return admission;
    }

    /// <summary>The caller left. A queued request ends here; a dispatched one ends when its engine says so.</summary>
    public void OnCancel(Instant now, RequestId request)
    {
        if (!_requests.TryFind(request, out var slot)) return;
        ref var tracked = ref _requests[slot];
        if (tracked.Engine != EngineId.None)
        {
            tracked.IsCancelled = true;
            engines[tracked.Engine.Index].Cancel(now, request);
            return;
        }

        _scheduler.OnWithdrawn(tracked.Request, ViewAt(now));
        Queued--;
        EndCancelled(now, slot);
    }

    /// <summary>A fact from an engine, already in the sink.</summary>
    public void OnEngineEvent(in SluiceEvent e)
    {
        switch (e.Kind)
        {
            case EventKind.ModelLoaded:
                OnModelLoaded(e.At, e.Engine, new(e.Amount));
                return;
            case EventKind.LoadFailed:
                OnLoadFailed(e.At, e.Engine, new(e.Amount));
                return;
            case EventKind.Stayed or EventKind.FirstToken
                or EventKind.Finished or EventKind.Cancelled or EventKind.Failed or EventKind.Evicted
                or EventKind.Migrated or EventKind.Declined:
                if (_requests.TryFind(e.Request, out var slot)) OnRequestEvent(in e, slot);
                return;
        }
    }

    /// <summary>What an engine reports about itself; own accounting in the snapshot stays.</summary>
    public void OnEngineStatus(
        EngineId engine, int running, int waiting, long waitingTokens, int freeBlocks, long outputTokens)
    {
        ref var snapshot = ref snapshots[engine.Index];
        (snapshot.Running, snapshot.Waiting, snapshot.WaitingTokens) = (running, waiting, waitingTokens);
        (snapshot.FreeBlocks, snapshot.OutputTokens) = (freeBlocks, outputTokens);
    }

    /// <summary>An engine died. Its requests go back to the queue in order of arrival, with the tokens their callers already
    /// have; those whose callers left meanwhile end.</summary>
    /// <param name="outputTokensOf">Output tokens a request had when the engine died.</param>
    public void OnEngineLost(Instant now, EngineId engine, Func<RequestId, int> outputTokensOf)
    {
        ref var snapshot = ref snapshots[engine.Index];
        Check.That(snapshot.IsPresent);
        (snapshot.IsPresent, snapshot.IsReady) = (false, false);
        sink.Emit(new(now, new(-1), engine, snapshot.Outstanding, EventKind.EngineLost));
        _scheduler.OnEngineChanged(engine, ViewAt(now));

        var lost = new List<int>();
        for (var slot = 0; slot < _requests.Used; slot++)
        {
            ref var tracked = ref _requests[slot];
            if (tracked.Request is null) continue;
            if (tracked.KvAt == engine) tracked.KvAt = EngineId.None;
            if (tracked.Engine == engine) lost.Add(slot);
        }

        lost.Sort((a, b) => ArrivalOf(a).CompareTo(ArrivalOf(b)));
        foreach (var slot in lost)
        {
            _requests[slot].Declines = 0;
            _requests[slot].OutputTokens = outputTokensOf(_requests[slot].Request.Id);
            TakeOff(now, slot, _requests[slot].IsCancelled ? EventKind.Cancelled : EventKind.EngineLost);
        }

        Check.That(snapshots[engine.Index].Outstanding == 0);
        foreach (var slot in lost) EnqueueOrEnd(now, slot);

        (long, long) ArrivalOf(int slot) => (_requests[slot].Request.Arrival.Ticks, _requests[slot].Request.Id.Value);
    }

    public void OnEngineJoined(Instant now, EngineId engine, ModelId model)
    {
        ref var snapshot = ref snapshots[engine.Index];
        Check.That(!snapshot.IsPresent);
        (snapshot.IsPresent, snapshot.IsReady, snapshot.Model) = (true, true, model);
        _loads.OnLoaded(engine, model);
        snapshot.FailedModels = _loads.ModelsOf(engine);
        sink.Emit(new(now, new(-1), engine, 0, EventKind.EngineJoined));
        _scheduler.OnEngineChanged(engine, ViewAt(now));
        Pull(now, engine);
    }

    /// <summary>An engine's <see cref="EngineSnapshot.OutstandingMax"/> was raised, or it is ready again: it may take
    /// more.</summary>
    public void OnRoom(Instant now, EngineId engine) => Pull(now, engine);

    /// <summary>Has the scheduler reconsider, enacts what it wants, and fills whatever room there is. Call at
    /// <see cref="PlanAt"/>.</summary>
    public void Plan(Instant now)
    {
        while (_loads.TryTakeDue(now, out var engine))
        {
            snapshots[engine.Index].FailedModels = _loads.ModelsOf(engine);
            _scheduler.OnEngineChanged(engine, ViewAt(now));
        }

        _operations.Clear();
        _scheduler.Plan(ViewAt(now), _operations);
        foreach (var operation in _operations.All) Enact(now, operation);
        for (var i = 0; i < engines.Count; i++) Pull(now, new(i));
    }

    /// <summary>Gives up what is still queued, because no engine will come that could serve it.</summary>
    public void FailQueued(Instant now)
    {
        for (var slot = 0; slot < _requests.Used; slot++)
            if (_requests[slot].Request is not null && _requests[slot].Engine == EngineId.None)
                FailQueued(now, slot, FailReason.NoEngine);
    }

    private void FailQueued(Instant now, int slot, FailReason reason)
    {
        ref var tracked = ref _requests[slot];
        var request = tracked.Request;
        _scheduler.OnWithdrawn(request, ViewAt(now));
        DropKv(ref tracked);
        Queued--;
        _requests.Remove(slot);
        sink.Emit(new(now, request.Id, EngineId.None, (int)reason, EventKind.Failed));
    }

    private void OnRequestEvent(in SluiceEvent e, int slot)
    {
        switch (e.Kind)
        {
            case EventKind.FirstToken:
                BeginProducing(e.At, ref _requests[slot], outputTokens: 1);
                _scheduler.OnFirstToken(_requests[slot].Request, e.Engine, ViewAt(e.At));
                return;
            case EventKind.Stayed:
                _requests[slot].LosesKv = false;
                _scheduler.OnStayed(_requests[slot].Request, e.Engine, ViewAt(e.At));
                return;
            case EventKind.Migrated:
                var left = _requests[slot].Engine;
                Move(slot, e.Engine);
                _scheduler.OnMoved(_requests[slot].Request, e.Engine, ViewAt(e.At));
                Pull(e.At, left);
                return;
            case EventKind.Evicted:
                _requests[slot].OutputTokens = e.Amount;
                _requests[slot].KvAt = engines[e.Engine.Index].Keeps(e.Request) ? e.Engine : EngineId.None;
                if (_requests[slot].LosesKv) DropKv(ref _requests[slot]);
                TakeOff(e.At, slot, _requests[slot].IsCancelled ? EventKind.Cancelled : EventKind.Evicted);
                EnqueueOrEnd(e.At, slot);
                break;
            case EventKind.Declined:
                _requests[slot].OutputTokens = e.Amount;
                _requests[slot].Declines++;
                TakeOff(e.At, slot, _requests[slot].IsCancelled ? EventKind.Cancelled : EventKind.Declined);
                EnqueueOrEnd(e.At, slot);
                break;
            default:
                var request = _requests[slot].Request;
                if (e.Kind is EventKind.Finished) policies.Lengths.Observe(request, e.Amount);
                _requests[slot].OutputTokens = e.Amount;
                TakeOff(e.At, slot, e.Kind);
                _requests.Remove(slot);
                break;
        }

        Pull(e.At, e.Engine);
    }

    private void OnModelLoaded(Instant now, EngineId engine, ModelId model)
    {
        ref var snapshot = ref snapshots[engine.Index];
        (snapshot.IsReady, snapshot.Model) = (snapshot.IsPresent, model);
        _loads.OnLoaded(engine, model);
        snapshot.FailedModels = _loads.ModelsOf(engine);
        _scheduler.OnEngineChanged(engine, ViewAt(now));
        Pull(now, engine);
    }

    /// <summary>The engine goes on with the model that it has, and is left alone with the other one for a while. Where nobody
    /// is left to try, those who wait for it are told.</summary>
    private void OnLoadFailed(Instant now, EngineId engine, ModelId model)
    {
        ref var snapshot = ref snapshots[engine.Index];
        Check.That(snapshot.Outstanding == 0);
        snapshot.IsReady = snapshot.IsPresent;
        _loads.OnFailed(now, engine, model);
        snapshot.FailedModels = _loads.ModelsOf(engine);
        _scheduler.OnEngineChanged(engine, ViewAt(now));
        var isHopeless = IsHopeless(model, out _);
        for (var slot = 0; isHopeless && slot < _requests.Used; slot++)
            if (_requests[slot].Request is { } request && request.Model == model && _requests[slot].Engine == EngineId.None)
                FailQueued(now, slot, FailReason.ModelFailed);
        Pull(now, engine);
    }

    /// <summary>Every engine that could run the model has failed to load it too often.</summary>
    /// <param name="until">When the first of them tries again.</param>
    private bool IsHopeless(ModelId model, out Instant until)
    {
        until = Instant.Never;
        if (_loads.IsEmpty) return false;
        for (var i = 0; i < engines.Count; i++)
        {
            if (!engines[i].CanRun(model)) continue;
            if (!_loads.IsGivenUp(engines[i].Id, model, out var next)) return false;
            until = next < until ? next : until;
        }

        return until != Instant.Never;
    }

    private void EnqueueOrEnd(Instant now, int slot)
    {
        if (_requests[slot].IsCancelled) EndCancelled(now, slot);
        else Enqueue(now, slot);
    }

    private void EndCancelled(Instant now, int slot)
    {
        ref var tracked = ref _requests[slot];
        var (request, output) = (tracked.Request.Id, tracked.OutputTokens);
        DropKv(ref tracked);
        _requests.Remove(slot);
        sink.Emit(new(now, request, EngineId.None, output, EventKind.Cancelled));
    }

    private void Enqueue(Instant now, int slot)
    {
        ref var tracked = ref _requests[slot];
        Queued++;
        var queued = new QueuedRequest(tracked.Request, tracked.Predicted, tracked.OutputTokens, tracked.KvAt)
        {
            Declines = tracked.Declines,
        };
        var engine = _scheduler.OnQueued(in queued, ViewAt(now));
        if (engine != EngineId.None) Dispatch(now, slot, engine);
    }

    /// <summary>Fills an engine's free places.</summary>
    private void Pull(Instant now, EngineId engine)
    {
        if (_pulling == engine) return; // A request that failed at once: the loop below goes on.
        var outer = _pulling;
        _pulling = engine;
        while (Queued > 0 && snapshots[engine.Index].FreeSlots > 0)
        {
            if (!_scheduler.TryTake(engine, ViewAt(now), out var request)) break;
            var isLive = _requests.TryFind(request, out var slot);
            Check.That(isLive);
            Dispatch(now, slot, engine);
        }

        _pulling = outer;
    }

    private void Dispatch(Instant now, int slot, EngineId engine)
    {
        ref var tracked = ref _requests[slot];
        ref var snapshot = ref snapshots[engine.Index];
        var request = tracked.Request;
        Check.That(snapshot.CanTake(request));
        Check.That(tracked.Engine == EngineId.None);
        if (tracked.KvAt != engine) DropKv(ref tracked);

        Queued--;
        snapshot.Outstanding++;
        snapshot.OutstandingTokens += request.PromptTokens + tracked.Predicted.Mean;
        tracked.Engine = engine;
        tracked.KvAt = EngineId.None;
        tracked.LosesKv = false;
        sink.Emit(new(now, request.Id, engine, request.PromptTokens, EventKind.Dispatched));
        if (tracked.OutputTokens > 0) BeginProducing(now, ref tracked, tracked.OutputTokens);
        if (tracked.Declines + 1 < _scheduler.TriesMax)
            engines[engine.Index].SubmitOrDecline(now, request, tracked.Predicted, tracked.OutputTokens);
        else
            engines[engine.Index].Submit(now, request, tracked.Predicted, tracked.OutputTokens);
    }

    private void BeginProducing(Instant now, ref TrackedRequest tracked, int outputTokens)
    {
        if (tracked.IsProducing) return; // It lost its KV and computes its first token again.
        tracked.IsProducing = true;
        policies.Lengths.OnProducing(tracked.Request, outputTokens, now);
    }

    private void Enact(Instant now, in Operation operation)
    {
        switch (operation.Kind)
        {
            case OperationKind.Evict when EngineOf(operation.Request) is var engine && engine != EngineId.None:
                _requests.TryFind(operation.Request, out var evicted);
                _requests[evicted].LosesKv = operation.Amount == 1;
                engines[engine.Index].Evict(now, operation.Request);
                break;
            case OperationKind.Migrate when EngineOf(operation.Request) is var engine && engine != EngineId.None:
                engines[engine.Index].Migrate(now, operation.Request, operation.Engine);
                break;
            case OperationKind.Load:
                ref var snapshot = ref snapshots[operation.Engine.Index];
                Check.That(snapshot.IsReady);
                Check.That(snapshot.Outstanding == 0);
                Check.That(snapshot.CanLoad(operation.Model));
                snapshot.IsReady = false;
                engines[operation.Engine.Index].Load(now, operation.Model);
                break;
            case OperationKind.Scale:
                Scaler?.Scale(now, operation.Model, operation.Amount);
                break;
        }
    }

    /// <summary>Settles the engine's account for a request that is no longer on it.</summary>
    private void TakeOff(Instant now, int slot, EventKind how)
    {
        ref var tracked = ref _requests[slot];
        var engine = tracked.Engine;
        Check.That(engine != EngineId.None);
        ReleaseSlot(ref tracked);
        tracked.Engine = EngineId.None;
        if (tracked.IsProducing) policies.Lengths.OnStopped(tracked.Request, tracked.OutputTokens, now);
        tracked.IsProducing = false;
        _scheduler.OnOff(tracked.Request, engine, how, tracked.OutputTokens, ViewAt(now));
    }

    private void Move(int slot, EngineId to)
    {
        ref var tracked = ref _requests[slot];
        ReleaseSlot(ref tracked);
        ref var snapshot = ref snapshots[to.Index];
        snapshot.Outstanding++;
        snapshot.OutstandingTokens += tracked.Request.PromptTokens + tracked.Predicted.Mean;
        tracked.Engine = to;
    }

    private void ReleaseSlot(ref TrackedRequest tracked)
    {
        ref var snapshot = ref snapshots[tracked.Engine.Index];
        snapshot.Outstanding--;
        snapshot.OutstandingTokens -= tracked.Request.PromptTokens + tracked.Predicted.Mean;
        if (snapshot.Outstanding == 0) snapshot.OutstandingTokens = 0; // An empty engine sheds accumulated rounding.
        Check.That(snapshot.Outstanding >= 0);
    }

    private void DropKv(ref TrackedRequest tracked)
    {
        if (tracked.KvAt == EngineId.None) return;
        engines[tracked.KvAt.Index].DropEvicted(tracked.Request.Id);
        tracked.KvAt = EngineId.None;
    }

    private ClusterView ViewAt(Instant now) => new(now, snapshots, Queued);
}
