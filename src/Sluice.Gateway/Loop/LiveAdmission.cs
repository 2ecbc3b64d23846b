using Sluice.Core;

namespace Sluice.Gateway;

/// <summary>Refuses what would probably miss its promise, if its class or its caller wants it refused, and says when it would
/// be worth trying again; notes for everybody else what wait is expected.</summary>
/// <remarks>A request that an engine has room for is not forecast at all. One whose model no engine has loaded is held, whatever it
/// wants: were it refused, nobody would ever ask for the model, and coming back later would not help.</remarks>
internal sealed class LiveAdmission(IAdmissionPolicy inner, ILengthPredictor lengths, IGlobalScheduler scheduler) : IAdmissionPolicy
{
    /// <summary>The request that is being decided on.</summary>
    public LiveRequest? Arriving { get; set; }

    public Admission Decide(Request request, ClusterView view)
    {
        if (view.Queued == 0 && HasRoom(request, view)) return inner.Decide(request, view);
        if (scheduler is not IForecastsWaits forecasts || Arriving is null) return inner.Decide(request, view);

        var forecast = forecasts.Forecast(request, lengths.Predict(request), view);
        Arriving.Forecast = forecast;
        if (!Arriving.Call.Refuses || !IsLoaded(request.Model, view)) return inner.Decide(request, view);
        if (forecast.Keeps(request.Slo) || double.IsInfinity(forecast.Mean)) return inner.Decide(request, view);
        return Admission.Reject(RejectReason.SloUnreachable, RetryAfter(in forecast, request.Slo));
    }

    /// <summary>Until the queue has drained by as much as the promise would be missed by.</summary>
    internal static TimeSpan RetryAfter(in WaitForecast forecast, Slo slo)
    {
        var late = 0.0;
        if (slo.Ttft != TimeSpan.MaxValue) late = Math.Max(late, forecast.Ttft - slo.Ttft.TotalSeconds);
        if (slo.E2e != TimeSpan.MaxValue) late = Math.Max(late, forecast.E2e - slo.E2e.TotalSeconds);
        return TimeSpan.FromSeconds(Math.Clamp(Math.Ceiling(late), 1, 86_400));
    }

    private static bool IsLoaded(ModelId model, ClusterView view)
    {
        foreach (ref readonly var engine in view.Engines)
            if (engine.IsPresent && engine.IsReady && engine.Model == model) return true;
        return false;
    }

    private static bool HasRoom(Request request, ClusterView view)
    {
        foreach (ref readonly var engine in view.Engines)
            if (engine.IsPresent && engine.CanTake(request)) return true;
        return false;
    }
}
