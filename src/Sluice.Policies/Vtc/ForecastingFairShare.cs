using Sluice.Core;

namespace Sluice.Policies;

/// <summary><see cref="FairShare"/> around a scheduler that forecasts waits. Its forecasts hold for the class as a whole: a
/// tenant that was served little waits less than they say, one that was served much waits more.</summary>
public sealed class ForecastingFairShare : FairShare, IForecastsWaits, IReportsCalibration
{
    private readonly IForecastsWaits _forecasts;
    private readonly IReportsCalibration _calibration;

    internal ForecastingFairShare(IGlobalScheduler inner, FairShareOptions options)
        : base(inner, options) =>
        (_forecasts, _calibration) = ((IForecastsWaits)inner, (IReportsCalibration)inner);

    public RwtCalibration Calibration => _calibration.Calibration;

    public WaitForecast Forecast(Request request, TokenEstimate predicted, ClusterView view) =>
        _forecasts.Forecast(request, predicted, view);

    public WaitForecast ForecastOf(RequestId request, ClusterView view) => _forecasts.ForecastOf(AliasOf(request), view);
}
