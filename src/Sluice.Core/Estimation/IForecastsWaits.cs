namespace Sluice.Core;

/// <summary>How long a request will probably wait, and what comes after.</summary>
/// <param name="Mean">Expected wait from now to dispatch [s]; infinite when no engine could serve it now.</param>
/// <param name="Deviation">Standard deviation of the wait [s].</param>
/// <param name="Prefill">From dispatch to the first token [s].</param>
/// <param name="Decode">From the first token to the last [s].</param>
/// <param name="Ahead">Requests that stand before it.</param>
/// <param name="Engine">The engine it would wait for; none when no engine could serve it.</param>
public readonly record struct WaitForecast(
    double Mean, double Deviation, double Prefill, double Decode, int Ahead, EngineId Engine)
{
    public static WaitForecast None => new(double.PositiveInfinity, 0, 0, 0, 0, EngineId.None);

    /// <summary>Nine of ten requests wait no longer [s].</summary>
    public double P90 => Mean + 1.2816 * Deviation;

    public double Ttft => Mean + Prefill;
    public double E2e => Mean + Prefill + Decode;

    /// <summary>More likely than not, it would keep the promise.</summary>
    public bool Keeps(Slo slo) => IsWithin(Ttft, slo.Ttft) && IsWithin(E2e, slo.E2e);

    private static bool IsWithin(double seconds, TimeSpan limit) =>
        limit == TimeSpan.MaxValue || seconds <= limit.TotalSeconds;
}

/// <summary>A global scheduler that can say how long a request will wait.</summary>
public interface IForecastsWaits
{
    /// <summary>As if the request arrived now. Changes nothing.</summary>
    WaitForecast Forecast(Request request, TokenEstimate predicted, ClusterView view);

    /// <summary>Of a request that is queued.</summary>
    WaitForecast ForecastOf(RequestId request, ClusterView view);
}
