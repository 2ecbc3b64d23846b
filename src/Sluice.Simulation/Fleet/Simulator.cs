using System.Globalization;
using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>Drives a dispatcher and its engines through a workload in virtual time.</summary>
/// <remarks>
/// Arrivals in order, one pending turn per engine, timers, and the scheduler's plans. At one instant timers go first, then
/// arrivals, then the plan, then engine turns by engine id. Same workload, options and seed give the same events, bit for
/// bit.
/// </remarks>
public sealed class Simulator
{
    /// <summary>Plans in a row with nothing else under way, after which what is queued has failed; at ticks of seconds this
    /// outlasts any ageing rule.</summary>
    private const int PlansAloneMax = 1000;

    private readonly Workload _workload;
    private readonly SimulationOptions _options;
    private readonly ServingSystem _system;
    private readonly Dispatcher _dispatcher;
    private readonly EngineSnapshot[] _snapshots;
    private readonly SimulatedEngine[] _engines;
    private readonly TurnQueue _turns;
    private readonly PriorityQueue<Timer, (long At, long Order)> _timers = new();
    private readonly RequestLog _log;
    private readonly Recorder _recorder;
    private readonly TimeSeries _series = new(TimeSpan.TicksPerSecond / 10);
    private readonly ILengthPredictor _lengths;
    private readonly bool _readsReports;
    private readonly bool _plansReadReports;
    private readonly RwtCalibration? _calibration;
    private readonly ProgramTracker? _programs;
    private readonly Migrations _migrations = new();
    private readonly SharedDevice?[] _devices; // by engine
    private readonly SpareEngines? _spares;
    private long _timerOrder;
    private int _nextArrival;
    private readonly int _arrivals;
    private Instant _now;
    private int _lastTurned = -1; // at this instant
    private int _plansAlone; // since anything else was due

    public Simulator(Workload workload, ServingSystem system, SimulationOptions options)
    {
        (_workload, _system, _options) = (workload, system, options);
        _log = new RequestLog(workload.Requests.Length);
        _recorder = new Recorder(_log, workload);
        EngineEvents = new EngineTap(this);

        var rng = new Rng(options.Seed);
        var policies = system.Policies(new PolicyContext(TrueLength, rng.Fork("policies"), FleetInfos.Of(options)));
        _lengths = policies.Lengths;
        _readsReports = policies.Scheduler.ReadsReports;
        _plansReadReports = policies.Scheduler.PlansReadReports;
        _calibration = (policies.Scheduler as IReportsCalibration)?.Calibration;

        _snapshots = new EngineSnapshot[options.Engines.Count];
        _turns = new TurnQueue(options.Engines.Count);
        _engines = new SimulatedEngine[options.Engines.Count];
        for (var i = 0; i < _engines.Length; i++) _engines[i] = MakeEngine(i, options.Engines[i]);
        _devices = SharedDevices();
        _recorder.Attach(_engines);
        if (options.SpareEngines > 0)
            _spares = new SpareEngines(
                options.Engines, options.SpareEngines, options.OutstandingMax, _snapshots,
                (engine, model) => At(_now + options.StartUp, new Timer(TimerKind.Started, 0, engine, Model: model)));
        _dispatcher = new Dispatcher(policies, _engines, _snapshots, _recorder) { Scaler = _spares };

        _arrivals = workload.Requests.Length;
        while (_arrivals > 0 && workload.Requests[_arrivals - 1].Arrival == Instant.Never) _arrivals--;
        if (workload.FollowUps is not null) _programs = new ProgramTracker(workload);
        for (var i = 0; i < options.Faults.Count; i++)
            At(options.Faults[i].At, new Timer(TimerKind.Fault, i, EngineId.None));
    }

    internal IEventSink EngineEvents { get; }

    /// <summary>Sees every event after the recorder did.</summary>
    public IEventSink? Observer
    {
        get => _recorder.Observer;
        set => _recorder.Observer = value;
    }

    internal Dispatcher Dispatcher => _dispatcher;
    internal ReadOnlySpan<EngineSnapshot> Snapshots => _snapshots;
    internal IReadOnlyList<SimulatedEngine> Engines => _engines;

    /// <summary>Requests ended so far, for progress bars.</summary>
    public long Ended => _recorder.Finished + _recorder.Cancelled + _recorder.Failed + _recorder.Rejected;

    /// <summary>Handles up to <paramref name="events"/> events.</summary>
    /// <returns>False when nothing is left to happen.</returns>
    public bool Run(long events = long.MaxValue)
    {
        while (events-- > 0)
        {
            var timer = _timers.TryPeek(out _, out var due) ? due.At : long.MaxValue;
            var arrival = _nextArrival < _arrivals ? _workload.Requests[_nextArrival].Arrival.Ticks : long.MaxValue;
            var turn = _turns.FirstTicks;
            var plan = Math.Max(_dispatcher.PlanAt.Ticks, _now.Ticks);
            var at = Math.Min(Math.Min(timer, arrival), turn);
            _plansAlone = at == long.MaxValue ? _plansAlone + 1 : 0;
            if (at == long.MaxValue && !MustPlan()) return End();
            at = Math.Min(at, plan);

            Check.That(at >= _now.Ticks);
            if (_series.NextAtTicks <= at) TakeSample(at);
            if (at > _now.Ticks) _lastTurned = -1;
            _now = new(at);
            if (timer == at) OnTimer(_timers.Dequeue());
            else if (arrival == at) OnArrival(_workload.Requests[_nextArrival++]);
            else if (plan == at) OnPlan();
            else OnTurn(_turns.First);
            while (_spares is not null && _spares.TryTakeDrained(out var drained)) Lose(drained);
        }

        return true;
    }

    /// <summary>What happened. Call when <see cref="Run"/> returned false.</summary>
    /// <param name="wall">Wall-clock time spent in <see cref="Run"/>, measured by the caller: the simulator has no
    /// clock.</param>
    public RunResult Result(TimeSpan wall, IReadOnlyList<KeyValuePair<string, string>> settings)
    {
        var itl = new LogHistogram();
        foreach (var core in Cores) itl.Merge(core.Gaps.Milliseconds);
        return new RunResult
        {
            System = _system.Name,
            Workload = _workload,
            Settings = settings,
            Engines = _engines.Length,
            Devices = DeviceCount(),
            Log = _log,
            ItlMilliseconds = itl,
            Series = _series,
            Iterations = Cores.Sum(c => c.Iterations),
            PrefillTokens = Cores.Sum(c => c.PrefillTokens),
            ModelLoads = _recorder.ModelLoads,
            Evictions = _recorder.Evictions,
            Fingerprint = _recorder.Fingerprint,
            End = _now,
            Reader = _options.Reader,
            Wall = wall,
            Notes = [.. Notes()],
            Calibration = _calibration is { Count: > 0 } ? _calibration : null,
        };
    }

    private IEnumerable<string> Notes()
    {
        foreach (var profile in _options.Engines.SelectMany(e => e.Profiles).OfType<EngineProfile>().Distinct())
            yield return $"{profile.Name}: {profile.Origin}";

        if (_calibration is not { Count: > 0 } c) yield break;
        yield return FormattableString.Invariant(
            $"Waits predicted for {c.Count} requests that queued: error {c.RelativeError:P0} of the wait, bias {c.RelativeBias:P0}, ") +
            FormattableString.Invariant($"R² {c.R2:F2}, p90 covered {c.CoverageOfP90:P0}.");
    }

    internal void Reschedule(SimulatedEngine engine) => _turns.Set(engine.Id.Index, engine.Core.NextTurn.Ticks);

    /// <summary>True if the engine's turn at this instant, if it had one, is over: turns go by engine id.</summary>
    internal bool HasTurned(EngineId engine) => engine.Index <= _lastTurned;

    internal void SubmitLater(Instant at, EngineId engine, Request request, TokenEstimate predicted) =>
        At(at, new Timer(TimerKind.Submit, 0, engine, request, predicted));

    /// <summary>The request is on its way to the engine (its media are being prepared); try again once it is there.</summary>
    internal void CancelLater(Instant now, EngineId engine, RequestId request)
    {
        if (_migrations.TryCancel(request)) return;
        if (_dispatcher.RequestOf(request) is not { Media: { } media } live) return;
        var at = live.Arrival + media.Preparation;
        if (at >= now) At(at, new Timer(TimerKind.Cancel, (int)request.Value, engine));
    }

    internal LoadTimes LoadTimes => _options.LoadTimes;
    internal Link MigrationLink => _options.MigrationLink;

    internal int TrueLength(Request request) => _workload.OutputTokens[(int)request.Id.Value];

    internal ToolCall[]? CallsOf(Request request) => _workload.Calls?.GetValueOrDefault((int)request.Id.Value);

    internal EngineCore MakeCore(EngineId id, EngineProfile profile, ClosedFormStepTime stepTime, bool isShared)
    {
        var cache = KvCaches.Make(_system, profile, _options, TrueLength);
        var limits = isShared ? _options.Limits with { SkipStableSteps = false } : _options.Limits;
        var rng = new Rng(_options.Seed).Fork("engines").Fork(string.Create(CultureInfo.InvariantCulture, $"{id.Index}"));
        var context = new EngineContext(id, rng, TrueLength, _lengths, CallsOf);
        var core = new EngineCore(id, limits, _system.Iteration(context), cache, stepTime, EngineEvents);
        core.Lag.Listen(_recorder, _options.Reader.Pace);
        return core;
    }

    /// <summary>Puts the size of the engine's KV into its snapshot.</summary>
    internal void ReportKv(SimulatedEngine engine)
    {
        ref var snapshot = ref _snapshots[engine.Id.Index];
        (snapshot.FreeBlocks, snapshot.TotalBlocks) = (engine.Core.FreeBlocks, engine.Core.TotalBlocks);
        snapshot.BlockTokens = engine.Core.BlockTokens;
    }

    internal void FinishLoadLater(Instant at, EngineId engine, int load, ModelId model) =>
        At(at, new Timer(TimerKind.ModelLoaded, load, engine, Model: model));

    internal void CopyLater(Instant at, EngineId from, EngineId to, RequestId request)
    {
        _migrations.Begin(request, to);
        At(at, new Timer(TimerKind.Copied, (int)request.Value, from));
    }

    private IEnumerable<EngineCore> Cores => _engines.SelectMany(e => e.Cores);

    private SimulatedEngine MakeEngine(int index, EngineSetup setup)
    {
        var engine = new SimulatedEngine(new(index), setup, this, new HostMemory(_options.WarmModelsMax));
        ref var snapshot = ref _snapshots[index];
        snapshot = snapshot with
        {
            Id = new(index),
            IsPresent = index < _snapshots.Length - _options.SpareEngines,
            IsReady = index < _snapshots.Length - _options.SpareEngines,
            Model = setup.Loaded,
            OutstandingMax = _options.OutstandingMax,
            WarmModels = engine.WarmModels,
        };
        return engine;
    }

    private SharedDevice?[] SharedDevices()
    {
        var devices = new SharedDevice?[_engines.Length];
        foreach (var group in Enumerable.Range(0, _engines.Length).GroupBy(i => _options.Engines[i].Device).Where(g => g.Key >= 0))
        {
            var device = new SharedDevice([.. group.Select(i => _engines[i])]);
            foreach (var i in group) devices[i] = device;
        }

        return devices;
    }

    private int DeviceCount() =>
        _options.Engines.Where(e => e.Device < 0).Sum(e => e.Profile.TensorParallel) +
        _options.Engines.Where(e => e.Device >= 0).GroupBy(e => e.Device).Sum(g => g.Max(e => e.Profile.TensorParallel));

    private void OnArrival(Request request)
    {
        if (_readsReports) ReadReports();
        var admission = _dispatcher.OnArrival(_now, request);
        if (admission.IsAccepted && _options.Patience is { } patience)
            At(_now + patience, new Timer(TimerKind.Patience, (int)request.Id.Value, EngineId.None));
    }

    private void OnTurn(int index)
    {
        var engine = _engines[index];
        _lastTurned = Math.Max(_lastTurned, index);
        if (_devices[index] is { } device)
        {
            // Whoever finds the device busy is begun by the engine that holds it.
            _turns.Set(index, long.MaxValue);
            device.TryTurn(engine, Reschedule);
            return;
        }

        engine.Core.Turn();
        Reschedule(engine);
    }

    private void OnPlan()
    {
        if (_plansReadReports) ReadReports();
        _dispatcher.Plan(_now);
        Check.That(_dispatcher.PlanAt > _now); // Or time would stand still.
    }

    /// <summary>Nothing else is due, but something is queued and the scheduler may still act on it. It is given up when plan
    /// after plan sets nothing in motion: its engines are gone for good.</summary>
    private bool MustPlan() =>
        _dispatcher.Queued > 0 && _dispatcher.PlanAt < Instant.Never && _plansAlone <= PlansAloneMax;

    private void OnTimer(Timer timer)
    {
        switch (timer.Kind)
        {
            case TimerKind.Fault:
                OnFault(_options.Faults[timer.Index]);
                break;
            case TimerKind.Submit when _dispatcher.EngineOf(timer.Request!.Id) == timer.Engine:
                _engines[timer.Engine.Index].SubmitPrepared(_now, timer.Request, timer.Predicted);
                break;
            case TimerKind.Release:
                OnArrival(timer.Request!);
                break;
            case TimerKind.Patience:
                if (_log.FirstToken[timer.Index] < 0) _dispatcher.OnCancel(_now, new(timer.Index));
                break;
            case TimerKind.ModelLoaded:
                _engines[timer.Engine.Index].FinishLoad(_now, timer.Index, timer.Model);
                break;
            case TimerKind.Started:
                _spares!.Started(timer.Engine);
                _engines[timer.Engine.Index].Start(timer.Model);
                ReportKv(_engines[timer.Engine.Index]);
                _dispatcher.OnEngineJoined(_now, timer.Engine, timer.Model);
                break;
            case TimerKind.Copied:
                _engines[timer.Engine.Index].MoveOut(_now, new(timer.Index));
                break;
            case TimerKind.Attach when _migrations.TryArrive(new(timer.Index), out var migration):
                Attach(_dispatcher.RequestOf(new(timer.Index))!, in migration);
                break;
            case TimerKind.Cancel:
                _engines[timer.Engine.Index].CancelPrepared(_now, new(timer.Index));
                break;
        }
    }

    private void OnFault(Fault fault)
    {
        switch (fault.Kind)
        {
            case FaultKind.Cancel:
                _dispatcher.OnCancel(_now, new(fault.Target));
                break;
            case FaultKind.LoseEngine when _snapshots[fault.Target].IsPresent:
                Lose(new(fault.Target));
                break;
            case FaultKind.FailLoad:
                _engines[fault.Target].FailNextLoad();
                break;
            case FaultKind.JoinEngine when !_snapshots[fault.Target].IsPresent:
                _dispatcher.OnEngineJoined(_now, new(fault.Target), _engines[fault.Target].Model);
                break;
        }
    }

    private void Lose(EngineId id)
    {
        var lost = new Dictionary<RequestId, int>();
        var engine = _engines[id.Index];
        engine.Lose(_now, (request, output) => lost.Add(request.Id, output));
        _migrations.TakeBack(id, lost);
        _devices[id.Index]?.Forget(engine, _now, Reschedule);
        Reschedule(engine);
        _dispatcher.OnEngineLost(_now, id, request => lost.GetValueOrDefault(request));
    }

    /// <summary>Nothing is left that could happen: what still waits has no engine.</summary>
    private bool End()
    {
        _dispatcher.FailQueued(_now);
        TakeSample(_now.Ticks);
        Check.That(_dispatcher.Live == 0);
        return false;
    }

    private void At(Instant at, Timer timer) => _timers.Enqueue(timer, (at.Ticks, _timerOrder++));

    private void ReadReports()
    {
        foreach (var engine in _engines)
        {
            engine.Synchronise(_now);
            var waiting = engine.Core.Waiting;
            _dispatcher.OnEngineStatus(
                engine.Id, engine.Core.Running, waiting.Count, waiting.PromptTokens, engine.Core.FreeBlocks,
                engine.OutputTokens);
            _snapshots[engine.Id.Index].WarmModels = engine.WarmModels;
        }
    }

    private void TakeSample(long at)
    {
        var (waiting, running, taken, total, live, slots, output) = (_dispatcher.Queued, 0, 0L, 0L, 0L, 0L, 0L);
        foreach (var engine in _engines)
        {
            waiting += engine.Core.Waiting.Count;
            running += engine.Core.Running;
            taken += engine.Core.TotalBlocks - engine.Core.FreeBlocks;
            total += engine.Core.TotalBlocks;
            live += engine.Core.LiveTokens;
            slots += (long)engine.Core.TotalBlocks * engine.Core.BlockTokens;
            output += engine.OutputTokens;
        }

        _series.Add(new Sample(
            at, waiting, running, taken / (double)total, live / (double)slots, output, _recorder.Finished));
    }

    /// <summary>Engines' events: recorded first, then told to the dispatcher.</summary>
    private sealed class EngineTap(Simulator simulator) : IEventSink
    {
        public void Emit(in SluiceEvent e)
        {
            simulator._recorder.Emit(in e);
            if (e.Kind is EventKind.MovedOut) simulator.OnMovedOut(in e);
            simulator._dispatcher.OnEngineEvent(in e);
            if (e.Kind is EventKind.Finished && simulator._programs is { } programs)
                programs.OnFinished((int)e.Request.Value, simulator._recorder.DeliveredAt, simulator.Release);
        }
    }

    private void OnMovedOut(in SluiceEvent e)
    {
        var request = _workload.Requests[(int)e.Request.Value];
        _migrations.Leave(request, e.Engine, e.Amount, CallsOf(request));
        At(e.At + _options.LoadTimes.MigrationDowntime, new Timer(TimerKind.Attach, (int)e.Request.Value, e.Engine));
    }

    private void Attach(Request request, in Migration migration)
    {
        if (migration.IsCancelled)
        {
            EngineEvents.Emit(new(_now, request.Id, migration.From, migration.OutputTokens, EventKind.Cancelled));
            return;
        }

        var predicted = _dispatcher.PredictionOf(request.Id);
        var to = _engines[migration.To.Index];
        var canTake = _snapshots[migration.To.Index].IsReady && to.Model == request.Model;
        if (canTake && to.TryAttach(_now, request, predicted, in migration))
            EngineEvents.Emit(new(_now, request.Id, to.Id, migration.Computed, EventKind.Migrated));
        else
            _engines[migration.From.Index].Submit(_now, request, predicted, migration.OutputTokens);
    }

    private void Release(Instant at, Request request) => At(at, new Timer(TimerKind.Release, 0, EngineId.None, request));
}
