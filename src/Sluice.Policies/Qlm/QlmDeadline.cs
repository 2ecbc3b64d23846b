using Sluice.Core;

namespace Sluice.Policies;

/// <summary>The one rule that says when a queued request has to begin.</summary>
internal static class QlmDeadline
{
    /// <summary>
    /// The first token's deadline where one was promised; else the last token's, less the predicted service; else
    /// <paramref name="bestEffort"/> after arrival.
    /// </summary>
    /// <param name="service">Predicted time from its start to its end.</param>
    public static Instant Of(Request request, TimeSpan service, TimeSpan bestEffort)
    {
        if (request.Slo.Ttft != TimeSpan.MaxValue) return request.FirstTokenDeadline;
        if (request.Slo.E2e == TimeSpan.MaxValue) return request.Arrival + bestEffort;
        var last = request.Arrival + request.Slo.E2e;
        return new(Math.Max(request.Arrival.Ticks, last.Ticks - service.Ticks));
    }

    /// <summary>Of a request that comes back with its first token out: it is promised as much again from now.</summary>
    public static Instant Again(Request request, Instant now, TimeSpan service, TimeSpan bestEffort) =>
        request.Slo.Ttft == TimeSpan.MaxValue && request.Slo.E2e != TimeSpan.MaxValue
            ? Of(request, service, bestEffort)
            : now + (Of(request, service, bestEffort) - request.Arrival);
}
