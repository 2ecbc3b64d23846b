using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>One engine in virtual time: the engine loop over a step-time model, with the delays a caller sees around
/// it.</summary>
internal sealed class SimulatedEngine : IEngine
{
    private readonly Workload _workload;
    private readonly Simulator _simulator;
    private readonly IStepTimeModel _stepTime;
    private readonly double _extraIterations;
    private readonly long _apiTicks;

    public SimulatedEngine(
        EngineId id, EngineProfile profile, ClosedFormStepTime stepTime, Workload workload, Simulator simulator, EngineCore core)
    {
        (Id, _workload, _simulator, _stepTime, Core) = (id, workload, simulator, stepTime, core);
        _extraIterations = profile.FirstTokenExtraIterations;
        _apiTicks = (long)Math.Round(profile.ApiOverheadMilliseconds * TimeSpan.TicksPerMillisecond);
    }

    public EngineId Id { get; }
    public EngineCore Core { get; }

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

    private void SubmitNow(Instant now, Request request, TokenEstimate predicted, int outputTokens)
    {
        Synchronise(now);
        var limit = _workload.OutputTokens[(int)request.Id.Value];
        if (Core.TrySubmit(now, request, predicted, limit, outputTokens)) _simulator.Reschedule(this);
        else _simulator.EngineEvents.Emit(new(now, request.Id, Id, (int)FailReason.TooLarge, EventKind.Failed));
    }

    public void Cancel(Instant now, RequestId request)
    {
        Synchronise(now);
        if (Core.TryCancel(now, request)) _simulator.Reschedule(this);
        else _simulator.CancelLater(now, Id, request);
    }

    /// <summary>Brings the engine up to date, as far as it would be if every step had a turn of its own.</summary>
    public void Synchronise(Instant now)
    {
        Core.Synchronise(now, _simulator.HasTurned(Id));
        _simulator.Reschedule(this);
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
        return (long)(_extraIterations * step / EngineTime.FemtosecondsPerTick) + _apiTicks;
    }
}
