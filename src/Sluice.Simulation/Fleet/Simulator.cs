using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>Drives a dispatcher and its engines through a workload in virtual time.</summary>
/// <remarks>
/// Three sources of events: arrivals in order, one pending turn per engine in a heap, and timers. At one instant timers go
/// first, then arrivals, then engine turns by engine id. Same workload, options and seed give the same events, bit for bit.
/// </remarks>
public sealed class Simulator
{
    private readonly Workload _workload;
    private readonly SimulationOptions _options;
    private readonly ServingSystem _system;
    private readonly Dispatcher _dispatcher;
    private readonly EngineSnapshot[] _snapshots;
    private readonly SimulatedEngine[] _engines;
    private readonly IndexedHeap _turns = new();
    private readonly PriorityQueue<Timer, (long At, long Order)> _timers = new();
    private readonly RequestLog _log;
    private readonly Recorder _recorder;
    private readonly TimeSeries _series = new(TimeSpan.TicksPerSecond / 10);
    private readonly bool _readsReports;
    private readonly ProgramTracker? _programs;
    private long _timerOrder;
    private int _nextArrival;
    private readonly int _arrivals;
    private Instant _now;

    public Simulator(Workload workload, ServingSystem system, SimulationOptions options)
    {
        (_workload, _system, _options) = (workload, system, options);
        _log = new RequestLog(workload.Requests.Length);
        _recorder = new Recorder(_log, workload);
        EngineEvents = new EngineTap(this);

        var rng = new Rng(options.Seed);
        var policies = system.Policies(new PolicyContext(TrueLength, rng.Fork("policies")));
        _readsReports = policies.Router.ReadsReports;

        _snapshots = new EngineSnapshot[options.Engines.Count];
        _engines = new SimulatedEngine[options.Engines.Count];
        for (var i = 0; i < _engines.Length; i++) _engines[i] = MakeEngine(i, options.Engines[i]);
        _recorder.Attach(_engines);
        _dispatcher = new Dispatcher(policies, _engines, _snapshots, _recorder);

        _arrivals = workload.Requests.Length;
        while (_arrivals > 0 && workload.Requests[_arrivals - 1].Arrival == Instant.Never) _arrivals--;
        if (workload.FollowUps is not null) _programs = new ProgramTracker(workload);
        for (var i = 0; i < options.Faults.Count; i++)
            At(options.Faults[i].At, new Timer(TimerKind.Fault, i, EngineId.None));
    }

    internal IEventSink EngineEvents { get; }

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
            var turn = _turns.MinKey;
            var at = Math.Min(Math.Min(timer, arrival), turn);
            if (at == long.MaxValue) return End();

            Check.That(at >= _now.Ticks);
            if (_series.NextAtTicks <= at) TakeSample(at);
            _now = new(at);
            if (timer == at) OnTimer(_timers.Dequeue());
            else if (arrival == at) OnArrival(_workload.Requests[_nextArrival++]);
            else OnTurn(_turns.MinItem);
        }

        return true;
    }

    /// <summary>What happened. Call when <see cref="Run"/> returned false.</summary>
    /// <param name="wall">Wall-clock time spent in <see cref="Run"/>, measured by the caller: the simulator has no
    /// clock.</param>
    public RunResult Result(TimeSpan wall, IReadOnlyList<KeyValuePair<string, string>> settings)
    {
        var itl = new LogHistogram();
        foreach (var engine in _engines) itl.Merge(engine.Core.Gaps.Milliseconds);
        return new RunResult
        {
            System = _system.Name,
            Workload = _workload,
            Settings = settings,
            Engines = _engines.Length,
            Devices = _options.Engines.Sum(p => p.TensorParallel),
            Log = _log,
            ItlMilliseconds = itl,
            Series = _series,
            Iterations = _engines.Sum(e => e.Core.Iterations),
            PrefillTokens = _engines.Sum(e => e.Core.PrefillTokens),
            Fingerprint = _recorder.Fingerprint,
            End = _now,
            Wall = wall,
            Notes = [.. _options.Engines.Distinct().Select(p => $"{p.Name}: {p.Origin}")],
        };
    }

    internal void Reschedule(SimulatedEngine engine)
    {
        if (engine.Core.NextTurn == Instant.Never)
        {
            if (_turns.Contains(engine.Id.Index)) _turns.Remove(engine.Id.Index);
        }
        else
        {
            _turns.Set(engine.Id.Index, engine.Core.NextTurn.Ticks, engine.Id.Index);
        }
    }

    internal void SubmitLater(Instant at, EngineId engine, Request request, TokenEstimate predicted) =>
        At(at, new Timer(TimerKind.Submit, 0, engine, request, predicted));

    /// <summary>The request is on its way to the engine (its media are being prepared); try again once it is there.</summary>
    internal void CancelLater(Instant now, EngineId engine, RequestId request)
    {
        var media = _workload.Requests[(int)request.Value].Media;
        var at = media is null ? now : _workload.Requests[(int)request.Value].Arrival + media.Preparation;
        if (at > now) At(at, new Timer(TimerKind.Cancel, (int)request.Value, engine));
    }

    private int TrueLength(Request request) => _workload.OutputTokens[(int)request.Id.Value];

    private SimulatedEngine MakeEngine(int index, EngineProfile profile)
    {
        var cache = KvCaches.Make(_system, profile, _options, TrueLength);
        var stepTime = new ClosedFormStepTime(profile);
        var core = new EngineCore(new(index), _options.Limits, _system.Iteration(), cache, stepTime, EngineEvents);
        _snapshots[index] = new EngineSnapshot
        {
            Id = new(index),
            IsReady = true,
            OutstandingMax = _options.OutstandingMax,
            FreeBlocks = cache.FreeBlocks,
            TotalBlocks = cache.TotalBlocks,
            BlockTokens = cache.BlockTokens,
        };
        return new SimulatedEngine(new(index), profile, stepTime, _workload, this, core);
    }

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
        engine.Core.Turn();
        Reschedule(engine);
    }

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
            case TimerKind.Cancel:
                _engines[timer.Engine.Index].Cancel(_now, new(timer.Index));
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
            case FaultKind.LoseEngine when _snapshots[fault.Target].IsReady:
                var lost = new Dictionary<RequestId, int>();
                _engines[fault.Target].Core.Lose((request, output) => lost.Add(request.Id, output));
                Reschedule(_engines[fault.Target]);
                _dispatcher.OnEngineLost(_now, new(fault.Target), id => lost.GetValueOrDefault(id));
                break;
            case FaultKind.JoinEngine when !_snapshots[fault.Target].IsReady:
                _dispatcher.OnEngineJoined(_now, new(fault.Target), _snapshots[fault.Target].Model);
                break;
        }
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
            engine.Core.Synchronise(_now);
            Reschedule(engine);
            var waiting = engine.Core.Waiting;
            _dispatcher.OnEngineStatus(
                engine.Id, engine.Core.Running, waiting.Count, waiting.PromptTokens, engine.Core.FreeBlocks);
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
            output += engine.Core.OutputTokens;
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
            simulator._dispatcher.OnEngineEvent(in e);
            if (e.Kind is EventKind.Finished && simulator._programs is { } programs)
                programs.OnFinished((int)e.Request.Value, simulator._recorder.DeliveredAt, simulator.Release);
        }
    }

    private void Release(Instant at, Request request) => At(at, new Timer(TimerKind.Release, 0, EngineId.None, request));
}
