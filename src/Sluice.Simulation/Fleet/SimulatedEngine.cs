using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>One engine in virtual time: the engine loop over a step-time model, with the delays a caller sees around it, and
/// the time that loading and moving take.</summary>
internal sealed class SimulatedEngine : IEngine
{
    private readonly Simulator _simulator;
    private readonly EngineSetup _setup;
    private readonly HostMemory _host;
    private readonly EngineCore?[] _cores;
    private EngineProfile _profile;
    private ClosedFormStepTime _stepTime;
    private long _apiTicks;
    private int _load;
    private int _failingLoads;

    public SimulatedEngine(EngineId id, EngineSetup setup, Simulator simulator, HostMemory host)
    {
        (Id, _setup, _simulator, _host) = (id, setup, simulator, host);
        _cores = new EngineCore?[setup.Profiles.Count];
        (_profile, _stepTime, Core) = (null!, null!, null!);
        Become(setup.Loaded);
        _host.Keep(setup.Loaded);
    }

    public EngineId Id { get; }
    public EngineCore Core { get; private set; }
    public ModelId Model { get; private set; }

    /// <summary>The loop of each model that was ever loaded here. One that is not loaded now runs nothing, but keeps the KV of
    /// evicted requests in host memory.</summary>
    public IEnumerable<EngineCore> Cores => _cores.OfType<EngineCore>();

    /// <summary>Produced since the run began, whatever the model.</summary>
    public long OutputTokens
    {
        get
        {
            var tokens = 0L;
            foreach (var core in _cores) tokens += core?.OutputTokens ?? 0;
            return tokens;
        }
    }

    /// <summary>Bit per model whose weights are in host memory.</summary>
    public ulong WarmModels => _host.Models;

    public void SubmitOrDecline(Instant now, Request request, TokenEstimate predicted, int outputTokens)
    {
        if (request.Media is { } media && now < request.Arrival + media.Preparation) Submit(now, request, predicted, outputTokens);
        else SubmitNow(now, request, predicted, outputTokens, mayDecline: true);
    }

    public void Submit(Instant now, Request request, TokenEstimate predicted, int outputTokens)
    {
        if (request.Media is { } media && now < request.Arrival + media.Preparation)
            _simulator.SubmitLater(request.Arrival + media.Preparation, Id, request, predicted);
        else
            SubmitNow(now, request, predicted, outputTokens);
    }

    /// <summary>Media preparation is over. The engine may hold the request already, if it was lost, came back and was sent
    /// the request again meanwhile.</summary>
    public void SubmitPrepared(Instant now, Request request, TokenEstimate predicted)
    {
        if (!Core.Holds(request.Id)) SubmitNow(now, request, predicted, 0);
    }

    public void Cancel(Instant now, RequestId request)
    {
        Synchronise(now);
        if (Core.TryCancel(now, request)) _simulator.Reschedule(this);
        else _simulator.CancelLater(now, Id, request);
    }

    /// <summary>A cancellation that waited for the request to be prepared.</summary>
    public void CancelPrepared(Instant now, RequestId request)
    {
        Synchronise(now);
        if (Core.TryCancel(now, request)) _simulator.Reschedule(this);
    }

    /// <summary>Brings the engine up to date, as far as it would be if every step had a turn of its own.</summary>
    public void Synchronise(Instant now)
    {
        Core.Synchronise(now, _simulator.HasTurned(Id));
        _simulator.Reschedule(this);
    }

    public void Evict(Instant now, RequestId request)
    {
        Synchronise(now);
        if (Core.TryEvict(now, request)) _simulator.Reschedule(this);
    }

    public void DropEvicted(RequestId request)
    {
        foreach (var core in _cores) core?.DropParked(request);
    }

    /// <summary>The engine dies, and its host with it.</summary>
    public void Lose(Instant now, Action<Request, int> onLost)
    {
        foreach (var core in Cores) core.Lose(now, onLost);
        _load++; // A load under way never ends.
    }

    /// <summary>It was switched on with a model.</summary>
    public void Start(ModelId model)
    {
        _host.Keep(model);
        Become(model);
    }

    public void Load(Instant now, ModelId model)
    {
        Check.That(Core.Outstanding == 0);
        var profile = ProfileOf(model);
        var isWarm = _host.Has(model);
        var took = isWarm
            ? _simulator.LoadTimes.WarmSwap(profile, isPinned: true)
            : _simulator.LoadTimes.ColdStart(profile, Links.NvmeGen4);
        _host.Keep(model);
        _simulator.FinishLoadLater(now + took, Id, ++_load, model);
    }

    /// <summary>The weights are there: another model, an empty cache.</summary>
    /// <param name="load">Which load it is; one that the engine's loss has ended is ignored.</param>
    public void FinishLoad(Instant now, int load, ModelId model)
    {
        if (load != _load) return;
        if (_failingLoads > 0)
        {
            _failingLoads--;
            _simulator.EngineEvents.Emit(new(now, new(-1), Id, model.Index, EventKind.LoadFailed));
            return;
        }

        Become(model);
        Core.ForgetPrefixes();
        _simulator.EngineEvents.Emit(new(now, new(-1), Id, model.Index, EventKind.ModelLoaded));
    }

    public void FailNextLoad() => _failingLoads++;

    public bool CanRun(ModelId model) => _setup.CanRun(model);

    /// <summary>Begins to copy a request's KV while it decodes; it stops here only for the last piece.</summary>
    public void Migrate(Instant now, RequestId request, EngineId to)
    {
        if (!Core.Holds(request)) return;
        Synchronise(now);
        var took = LoadTimes.Migrate(_profile, Core.ProgressOf(request).Computed, _simulator.MigrationLink);
        _simulator.CopyLater(now + took, Id, to, request);
    }

    /// <summary>The copy has caught up but for the last steps' tokens.</summary>
    public void MoveOut(Instant now, RequestId request)
    {
        Synchronise(now);
        if (Core.TryMoveOut(now, request)) _simulator.Reschedule(this);
    }

    /// <summary>A request arrives with its KV.</summary>
    /// <returns>False if the engine can never hold it.</returns>
    public bool TryAttach(Instant now, Request request, TokenEstimate predicted, in Migration migration)
    {
        Synchronise(now);
        var limit = _simulator.TrueLength(request);
        if (!Core.TryAttach(
            now, request, predicted, limit, migration.OutputTokens, migration.Computed, _simulator.CallsOf(request))) return false;
        _simulator.Reschedule(this);
        return true;
    }

    /// <summary>From the end of the step that computes a token to its arrival at the caller [ticks]: the pipeline's extra
    /// iterations, as decode steps of the batch the sequence belongs to, and the API's overhead.</summary>
    /// <param name="contextTokens">Known tokens of the sequence.</param>
    public long DeliveryTicks(int contextTokens)
    {
        var (sequences, context) = Core.DecodeLoad;
        var step = _stepTime.StepTime(new BatchShape
        {
            DecodeSequences = sequences + 1,
            ContextTokens = context + contextTokens,
        });
        return (long)(_profile.FirstTokenExtraIterations * step / EngineTime.FemtosecondsPerTick) + _apiTicks;
    }

    private void SubmitNow(
        Instant now, Request request, TokenEstimate predicted, int outputTokens, bool mayDecline = false)
    {
        Core.Synchronise(now, _simulator.HasTurned(Id));
        var isTaken = Core.TrySubmit(
            now, request, predicted, _simulator.TrueLength(request), outputTokens, mayDecline,
            _simulator.CallsOf(request));
        _simulator.Reschedule(this);
        if (!isTaken) _simulator.EngineEvents.Emit(new(now, request.Id, Id, (int)FailReason.TooLarge, EventKind.Failed));
    }

    private void Become(ModelId model)
    {
        Model = model;
        _profile = ProfileOf(model);
        _stepTime = new ClosedFormStepTime(_profile);
        _apiTicks = (long)Math.Round(_profile.ApiOverheadMilliseconds * TimeSpan.TicksPerMillisecond);
        Core = _cores[model.Index] ??= _simulator.MakeCore(Id, _profile, _stepTime, isShared: _setup.Device >= 0);
        _simulator.ReportKv(this);
    }

    private EngineProfile ProfileOf(ModelId model) =>
        _setup.Profiles[model.Index] ?? throw new InvariantException($"engine {Id.Index} cannot run model {model.Index}");
}
