using Sluice.Core;
using Sluice.Simulation;

namespace Sluice.Upstreams;

/// <summary>The simulator's engine in real time: the same loop, scheduler, KV cache and step times, with a timer where the
/// simulator has its event queue.</summary>
/// <remarks>Engine time follows the clock, times a speed-up. A timer that comes late does not shift anything: the turns that
/// were due are made up in order before anything else happens. Tokens are handed on when the simulator would count them as
/// delivered. Every public member may be called from any thread.</remarks>
internal sealed class PacedEngine : IEventSink, IDisposable
{
    private readonly PacedOptions _options;
    private readonly TimeProvider _time;
    private readonly long _start;
    private readonly Lock _lock = new();
    private readonly ITimer _timer;
    private readonly HostMemory _host;
    private readonly Dictionary<RequestId, PacedCall> _calls = [];
    private readonly List<PacedCall> _started = [];
    private readonly PriorityQueue<(PacedCall Call, int Tokens, bool IsLast), (long At, long Order)> _deliveries = new();
    private EngineCore _core = null!;
    private ClosedFormStepTime _stepTime = null!;
    private long _apiTicks;
    private long _order;
    private long _lastId;
    private long _outputTokensBefore; // of models loaded earlier
    private bool _isLoading;
    private bool _isDisposed;
    private TaskCompletionSource? _idle; // somebody waits until no call is left

    public PacedEngine(PacedOptions options, TimeProvider time)
    {
        (_options, _time, _start) = (options, time, time.GetTimestamp());
        _host = new HostMemory(options.WarmModelsMax);
        _timer = time.CreateTimer(_ => OnTimer(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        Become(0);
    }

    /// <summary>Index of the loaded model in the options.</summary>
    public int Loaded { get; private set; }

    public UpstreamReport Report
    {
        get
        {
            lock (_lock)
            {
                CatchUp();
                var used = 1 - _core.FreeBlocks / (double)_core.TotalBlocks;
                return new(
                    _core.Running, Math.Max(0, _core.Outstanding - _core.Running), used, _core.TotalBlocks, _core.BlockTokens,
                    _outputTokensBefore + _core.OutputTokens);
            }
        }
    }

    /// <summary>Takes in a call.</summary>
    /// <param name="outputLimit">Tokens after which it ends, at least 1.</param>
    /// <param name="outputTokens">Tokens of it that the caller has already.</param>
    /// <param name="call">Null unless taken.</param>
    /// <returns>Completed if taken, Busy if there is no room or a model loads, Refused if it can never fit.</returns>
    public CallEnd Submit(int promptTokens, int outputLimit, int outputTokens, out PacedCall? call)
    {
        lock (_lock)
        {
            call = null;
            if (_isDisposed) return CallEnd.Broken;
            if (_isLoading || _calls.Count >= _options.OutstandingMax) return CallEnd.Busy;
            var now = CatchUp();
            var request = new Request
            {
                Id = new(++_lastId),
                Arrival = now,
                PromptTokens = promptTokens,
                MaxOutputTokens = outputLimit,
            };
            if (!_core.TrySubmit(now, request, new(outputLimit, 0), outputLimit, outputTokens)) return CallEnd.Refused;

            call = new PacedCall(request) { Scheduled = outputTokens };
            _calls.Add(request.Id, call);
            Arm(now);
            return CallEnd.Completed;
        }
    }

    /// <summary>The caller has left; the engine drops the call between two steps.</summary>
    public void Cancel(PacedCall call)
    {
        lock (_lock)
        {
            if (_isDisposed) return;
            var now = CatchUp();
            if (_core.TryCancel(now, call.Request.Id)) Arm(now);
        }
    }

    /// <summary>Takes the loaded model out, once the last call has left, and brings another in, in the time that takes. New
    /// calls are told that the engine is busy.</summary>
    /// <returns>False if another load is under way.</returns>
    public async Task<bool> LoadAsync(int model, CancellationToken cancel)
    {
        Task idle;
        lock (_lock)
        {
            CatchUp();
            if (_isDisposed || _isLoading) return false;
            if (model == Loaded) return true;
            _isLoading = true;
            _idle = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            if (_calls.Count == 0) _idle.SetResult();
            idle = _idle.Task;
        }

        try
        {
            await idle.WaitAsync(cancel).ConfigureAwait(false);
            var profile = _options.Models[model];
            var took = _host.Has(new(model))
                ? _options.LoadTimes.WarmSwap(profile, isPinned: true)
                : _options.LoadTimes.ColdStart(profile, Links.NvmeGen4);
            await Task.Delay(took / _options.Speedup, _time, cancel).ConfigureAwait(false);
            lock (_lock) Become(model);
        }
        finally
        {
            lock (_lock) _isLoading = false;
        }

        return true;
    }

    public void Dispose()
    {
        lock (_lock)
        {
            if (_isDisposed) return;
            _isDisposed = true;
            foreach (var call in _calls.Values) call.Finish(call.Scheduled, CallEnd.Broken);
            foreach (var (delivery, _) in _deliveries.UnorderedItems) delivery.Call.Finish(delivery.Tokens, CallEnd.Broken);
            _calls.Clear();
            _idle?.TrySetResult();
        }

        _timer.Dispose();
    }

    void IEventSink.Emit(in SluiceEvent e)
    {
        if (!_calls.TryGetValue(e.Request, out var call)) return;
        switch (e.Kind)
        {
            case EventKind.Started:
                if (!call.HasStarted) _started.Add(call);
                call.HasStarted = true;
                break;
            case EventKind.Finished:
                Schedule(call, e.At, e.Amount, isLast: true);
                Forget(call);
                break;
            case EventKind.Cancelled:
                Forget(call); // Its caller does not listen any more.
                break;
        }
    }

    private void Become(int model)
    {
        var profile = _options.Models[model];
        _outputTokensBefore += _core?.OutputTokens ?? 0;
        Loaded = model;
        _host.Keep(new(model));
        _stepTime = new ClosedFormStepTime(profile);
        _apiTicks = (long)Math.Round(profile.ApiOverheadMilliseconds * TimeSpan.TicksPerMillisecond);
        var cache = KvCaches.Make(
            _options.System, profile, new SimulationOptions { Engines = [profile], KvTokens = _options.KvTokens },
            static request => request.MaxOutputTokens);
        _core = new EngineCore(
            new(0), _options.Limits with { SkipStableSteps = false }, _options.System.Iteration(), cache, _stepTime, this);
    }

    private void OnTimer()
    {
        lock (_lock)
        {
            if (!_isDisposed) Arm(CatchUp());
        }
    }

    private Instant Now => new((long)(_time.GetElapsedTime(_start).Ticks * _options.Speedup));

    /// <summary>Makes up every turn and delivery that is due.</summary>
    private Instant CatchUp()
    {
        var now = Now;
        while (_core.NextTurn <= now)
        {
            var at = _core.NextTurn;
            _core.Turn();
            ScheduleNewTokens(at);
        }

        while (_deliveries.TryPeek(out var due, out var when) && when.At <= now.Ticks)
        {
            _deliveries.Dequeue();
            if (due.IsLast) due.Call.Finish(due.Tokens, CallEnd.Completed);
            else due.Call.Deliver(due.Tokens);
        }

        return now;
    }

    private void ScheduleNewTokens(Instant at)
    {
        foreach (var call in _started)
        {
            var output = _core.ProgressOf(call.Request.Id).Output;
            if (output > call.Scheduled) Schedule(call, at, output, isLast: false);
        }
    }

    /// <summary>From the end of the step that computes a token to its arrival at the caller there are the pipeline's extra
    /// iterations and the API's overhead, as in the simulator. Tokens of one call arrive in order.</summary>
    private void Schedule(PacedCall call, Instant at, int tokens, bool isLast)
    {
        var (sequences, context) = _core.DecodeLoad;
        var step = _stepTime.StepTime(new BatchShape
        {
            DecodeSequences = sequences + 1,
            ContextTokens = context + call.Request.PromptTokens + tokens,
        });
        var extra = _options.Models[Loaded].FirstTokenExtraIterations;
        var due = at.Ticks + (long)(extra * step / EngineTime.FemtosecondsPerTick) + _apiTicks;
        call.LastDueTicks = Math.Max(call.LastDueTicks, due);
        call.Scheduled = tokens;
        _deliveries.Enqueue((call, tokens, isLast), (call.LastDueTicks, _order++));
    }

    private void Forget(PacedCall call)
    {
        _calls.Remove(call.Request.Id);
        _started.Remove(call);
        if (_calls.Count == 0) _idle?.TrySetResult();
    }

    private void Arm(Instant now)
    {
        var next = _core.NextTurn.Ticks;
        if (_deliveries.TryPeek(out _, out var when)) next = Math.Min(next, when.At);
        if (next == long.MaxValue) return;

        // Timers count whole milliseconds; one that comes too early would only be armed again.
        var wait = Math.Ceiling(Math.Max(0, next - now.Ticks) / _options.Speedup / TimeSpan.TicksPerMillisecond);
        _timer.Change(TimeSpan.FromMilliseconds(wait), Timeout.InfiniteTimeSpan);
    }
}
