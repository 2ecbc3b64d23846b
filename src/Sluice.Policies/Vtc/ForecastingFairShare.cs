using Sluice.Core;

namespace Sluice.Policies;

/// <summary><see cref="FairShare"/> around a scheduler that forecasts waits. Its forecasts hold for the class as a whole: a
/// tenant that was served little waits less than they say, one that was served much waits more.</summary>
public sealed class ForecastingFairShare : FairShare, IForecastsWaits, IReportsCalibration, IShowsQueues
{
    private readonly IForecastsWaits _forecasts;
    private readonly IReportsCalibration _calibration;
    private readonly IShowsQueues? _queues;

    internal ForecastingFairShare(IGlobalScheduler inner, FairShareOptions options)
        : base(inner, options) =>
        (_forecasts, _calibration, _queues) = ((IForecastsWaits)inner, (IReportsCalibration)inner, inner as IShowsQueues);

    public RwtCalibration Calibration => _calibration.Calibration;

    public WaitForecast Forecast(Request request, TokenEstimate predicted, ClusterView view) =>
        _forecasts.Forecast(request, predicted, view);

    /// <summary>A group's first request is the one whose turn it is for the inner scheduler; another tenant's may take it.</summary>
    public void Show(List<QueuedGroup> groups)
    {
        var first = groups.Count;
        _queues?.Show(groups);
        for (var i = first; i < groups.Count; i++) groups[i] = groups[i] with { First = OwnOf(groups[i].First) };
    }

    public WaitForecast ForecastOf(RequestId request, ClusterView view) => _forecasts.ForecastOf(AliasOf(request), view);
}
