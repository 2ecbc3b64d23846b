using Sluice.Core;

namespace Sluice.Policies;

/// <summary>Around another scheduler: every so often a running request moves, with its KV, from the engine of a model that has most
/// requests to the one that has fewest, where they differ by two or more.</summary>
/// <remarks>In the manner of Llumnix (OSDI 2024). Of the requests there it takes the one that began last, whose KV is the least work.
/// A request is asked to move once at most, so that none goes to and fro, and counts where it is going until it is known to be there.
/// The inner scheduler is not told: for it a request stays where it sent it. Which engines can move requests is the driver's matter;
/// where they cannot, nothing happens.</remarks>
public class Rebalancer : GlobalDecorator
{
    /// <summary>Difference of outstanding requests from which on a move evens out.</summary>
    private const int DifferenceMin = 2;

    private readonly TimeSpan _every;
    private readonly Dictionary<RequestId, Placed> _placed = [];
    private int[] _coming = []; // by engine, those on their way there, less those on their way from there
    private Instant _lookAt = Instant.Never;
    private long _begun;

    protected Rebalancer(IGlobalScheduler inner, TimeSpan every)
        : base(inner)
    {
        Check.That(every > TimeSpan.Zero);
        _every = every;
    }

    public override Instant PlanAt => _lookAt < Inner.PlanAt ? _lookAt : Inner.PlanAt;

    /// <summary>With the abilities that the inner scheduler has.</summary>
    /// <param name="every">Between two looks at the engines, each of which moves one request of each model at most.</param>
    public static Rebalancer Around(IGlobalScheduler inner, TimeSpan every) =>
        inner is IForecastsWaits and IReportsCalibration ? new ForecastingRebalancer(inner, every) : new Rebalancer(inner, every);

    public override EngineId OnQueued(in QueuedRequest request, ClusterView view)
    {
        var engine = base.OnQueued(in request, view);
        if (engine != EngineId.None) Place(request.Request.Id, engine, view.Now);
        return engine;
    }

    public override bool TryTake(EngineId engine, ClusterView view, out RequestId request)
    {
        if (!base.TryTake(engine, view, out request)) return false;
        Place(request, engine, view.Now);
        return true;
    }

    public override void OnFirstToken(Request request, EngineId engine, ClusterView view)
    {
        if (_placed.TryGetValue(request.Id, out var placed) && placed.Begun < 0)
            _placed[request.Id] = placed with { Begun = _begun++ };
        base.OnFirstToken(request, SentTo(request.Id, engine), view);
    }

    public override void OnOff(Request request, EngineId engine, EventKind how, int outputTokens, ClusterView view)
    {
        var sentTo = SentTo(request.Id, engine);
        _placed.Remove(request.Id);
        base.OnOff(request, sentTo, how, outputTokens, view);
    }

    public override void OnStayed(Request request, EngineId engine, ClusterView view) =>
        base.OnStayed(request, SentTo(request.Id, engine), view);

    public override void OnMoved(Request request, EngineId engine, ClusterView view)
    {
        if (_placed.TryGetValue(request.Id, out var placed)) _placed[request.Id] = placed with { GoesTo = EngineId.None };
    }

    public override void Plan(ClusterView view, Operations operations)
    {
        if (Inner.PlanAt <= view.Now) base.Plan(view, operations);
        if (_lookAt > view.Now) return;
        _lookAt = _placed.Count > 0 ? view.Now + _every : Instant.Never;
        CountComing(view.Engines.Length);
        for (var i = 0; i < view.Engines.Length; i++)
            if (view.Engines[i].IsReady && IsFirstOfModel(view, i)) Even(view, view.Engines[i].Model, operations);
    }

    private void Place(RequestId request, EngineId engine, Instant now)
    {
        _placed[request] = new(engine, Begun: -1, IsAsked: false, GoesTo: EngineId.None);
        if (_lookAt == Instant.Never) _lookAt = now + _every;
    }

    private EngineId SentTo(RequestId request, EngineId otherwise) =>
        _placed.TryGetValue(request, out var placed) ? placed.Engine : otherwise;

    private void CountComing(int engines)
    {
        if (_coming.Length < engines) _coming = new int[engines];
        Array.Clear(_coming);
        foreach (var placed in _placed.Values)
        {
            if (placed.GoesTo == EngineId.None) continue;
            _coming[placed.GoesTo.Index]++;
            _coming[placed.Engine.Index]--;
        }
    }

    private static bool IsFirstOfModel(ClusterView view, int index)
    {
        for (var i = 0; i < index; i++)
            if (view.Engines[i].IsReady && view.Engines[i].Model == view.Engines[index].Model) return false;
        return true;
    }

    private void Even(ClusterView view, ModelId model, Operations operations)
    {
        int most = -1, fewest = -1;
        for (var i = 0; i < view.Engines.Length; i++)
        {
            ref readonly var engine = ref view.Engines[i];
            if (!engine.IsReady || engine.Model != model) continue;
            if (most < 0 || engine.Outstanding + _coming[i] > view.Engines[most].Outstanding + _coming[most]) most = i;
            if (fewest < 0 || engine.Outstanding + _coming[i] < view.Engines[fewest].Outstanding + _coming[fewest]) fewest = i;
        }

        ref readonly var to = ref view.Engines[fewest];
        var has = to.Outstanding + _coming[fewest];
        if (view.Engines[most].Outstanding + _coming[most] - has < DifferenceMin || has >= to.OutstandingMax) return;
        if (LatestOn(view.Engines[most].Id) is not { } request) return;
        _placed[request] = _placed[request] with { IsAsked = true, GoesTo = to.Id };
        operations.Migrate(request, to.Id);
    }

    /// <summary>Where there are hundreds on an engine this walk costs some microseconds, once in every interval.</summary>
    private RequestId? LatestOn(EngineId engine)
    {
        RequestId? latest = null;
        var begun = -1L;
        foreach (var (id, placed) in _placed)
            if (placed.Engine == engine && !placed.IsAsked && placed.Begun > begun) (latest, begun) = (id, placed.Begun);
        return latest;
    }

    /// <param name="Engine">Where the inner scheduler sent it.</param>
    /// <param name="Begun">Counts first tokens; -1 before its own.</param>
    /// <param name="IsAsked">It was to move already.</param>
    /// <param name="GoesTo">Where it was to move, until it is there.</param>
    private readonly record struct Placed(EngineId Engine, long Begun, bool IsAsked, EngineId GoesTo);
}

/// <summary><see cref="Rebalancer"/> around a scheduler that forecasts waits.</summary>
public sealed class ForecastingRebalancer : Rebalancer, IForecastsWaits, IReportsCalibration, IShowsQueues
{
    internal ForecastingRebalancer(IGlobalScheduler inner, TimeSpan every)
        : base(inner, every)
    {
    }

    public RwtCalibration Calibration => ((IReportsCalibration)Inner).Calibration;

    public WaitForecast Forecast(Request request, TokenEstimate predicted, ClusterView view) =>
        ((IForecastsWaits)Inner).Forecast(request, predicted, view);

    public WaitForecast ForecastOf(RequestId request, ClusterView view) => ((IForecastsWaits)Inner).ForecastOf(request, view);

    public void Show(List<QueuedGroup> groups) => (Inner as IShowsQueues)?.Show(groups);
}
