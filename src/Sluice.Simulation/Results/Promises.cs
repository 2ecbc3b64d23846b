using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>The one rule that says whether a request met every promise made to it.</summary>
/// <remarks>Only a finished request can meet its promises: one refused, cancelled, failed or still open when the run ended
/// has missed, even when nothing was promised. A promise that was not made is met. TPOT is undefined for one output token
/// and then counts as met. A promise is met when kept to the tick; all comparisons are of integers.</remarks>
public static class Promises
{
    public static bool Met(RequestLog log, Slo slo, int request)
    {
        if (log.Outcome[request] != Outcome.Finished) return false;

        var firstToken = log.FirstToken[request];
        var ended = log.Ended[request];
        return IsWithin(firstToken - log.Arrival[request], slo.Ttft)
            && IsWithin(ended - log.Arrival[request], slo.E2e)
            && IsPaced(ended - firstToken, log.OutputTokens[request] - 1, slo.Tpot);
    }

    private static bool IsWithin(long spanTicks, TimeSpan promise) =>
        promise == TimeSpan.MaxValue || spanTicks <= promise.Ticks;

    /// <summary>Multiplies instead of dividing, so that no promise is met or missed by rounding.</summary>
    private static bool IsPaced(long spanTicks, int gaps, TimeSpan promise) =>
        promise == TimeSpan.MaxValue || gaps <= 0 || (Int128)spanTicks <= (Int128)promise.Ticks * gaps;
}
