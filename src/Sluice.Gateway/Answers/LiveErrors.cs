using System.Globalization;
using Sluice.Core;
using Sluice.Upstreams;

namespace Sluice.Gateway;

/// <summary>The HTTP answer to every way in which a request can end other than with an answer.</summary>
/// <remarks>429: there is capacity, but others have it. 503: nothing can serve it. 408: the patience that the caller named is
/// over; 504: that of its class. OpenAI's clients retry all four, unless told not to; they ignore advice of more than two
/// minutes, so then they are told not to.</remarks>
internal static class LiveErrors
{
    /// <summary>Longest advice that OpenAI's clients follow.</summary>
    public static readonly TimeSpan AdviceMax = TimeSpan.FromSeconds(120);

    public static ApiError Of(LiveRequest live, LiveOutcome outcome, bool isOwnPatience = false) => outcome.End switch
    {
        LiveEnd.Rejected => OfRejection(live, outcome),
        LiveEnd.Refused => EngineErrors.Read(outcome.Call.Status, outcome.Call.Error),
        LiveEnd.Expired => new(
            isOwnPatience ? 408 : 504, "timeout_error", "queue_timeout",
            FormattableString.Invariant($"The request waited in the queue for {live.Call.QueueMax.TotalSeconds:0.#} s, its limit."))
        {
            ShouldRetry = true, RetryAfter = TimeSpan.FromSeconds(1), DroppedReason = "rejected-ttl-expired",
        },
        LiveEnd.Broken => new(
            502, "server_error", "engine_failed",
            $"The engine {(outcome.Call.End == CallEnd.Failed ? "failed" : "broke off")} ({live.EngineName}): {Reason(outcome.Call)}")
        {
            ShouldRetry = true,
        },
        LiveEnd.NoEngine => new(
            503, "server_error", "no_engine", $"No engine serves the model '{live.Call.Model}' at this moment.")
        {
            RetryAfter = TimeSpan.FromSeconds(5), ShouldRetry = true, DroppedReason = "rejected-no-endpoints",
        },
        LiveEnd.ModelFailed => ModelFailed(live, null),
        LiveEnd.Stopping => new(503, "server_error", "shutting_down", "The gateway is shutting down.")
        {
            RetryAfter = TimeSpan.FromSeconds(5), ShouldRetry = true, DroppedReason = "rejected-shutting-down",
        },
        LiveEnd.Cancelled => new(499, "invalid_request_error", "client_closed_request", "The caller closed the connection.")
        {
            DroppedReason = "rejected-context-cancelled",
        },
        LiveEnd.Completed => throw new InvariantException("a completed request is no error"),
        _ => throw new InvariantException($"unmapped {outcome.End}"),
    };

    private static ApiError OfRejection(LiveRequest live, LiveOutcome outcome) => outcome.Admission.Reason switch
    {
        RejectReason.QueueFull => new(429, "rate_limit_error", "queue_full", "The queue is full.")
        {
            RetryAfter = outcome.Admission.RetryAfter, ShouldRetry = true, DroppedReason = "rejected-saturated",
        },
        RejectReason.TenantOverQuota => new(429, "rate_limit_error", "over_quota", "The key's limit is used up for now.")
        {
            RetryAfter = outcome.Admission.RetryAfter, ShouldRetry = outcome.Admission.RetryAfter <= AdviceMax,
            DroppedReason = "rejected-saturated",
        },
        RejectReason.SloUnreachable => new(429, "rate_limit_error", "slo_unreachable", Unreachable(live, outcome))
        {
            RetryAfter = outcome.Admission.RetryAfter, ShouldRetry = outcome.Admission.RetryAfter <= AdviceMax,
            DroppedReason = "rejected-saturated",
        },
        RejectReason.ModelUnknown => ApiError.NotFound(
            $"The model '{live.Call.Model}' does not exist here.", "model_not_found", "model"),
        RejectReason.ModelFailed => ModelFailed(live, outcome.Admission.RetryAfter),
        _ => throw new InvariantException($"unmapped {outcome.Admission.Reason}"),
    };

    private static string Reason(CallOutcome call) =>
        call.Error.Length == 0 ? "no answer came" : EngineErrors.Read(call.Status, call.Error).Message;

    private static ApiError ModelFailed(LiveRequest live, TimeSpan? nextTry) => new(
        503, "server_error", "model_load_failed",
        $"The model '{live.Call.Model}' could not be loaded{(live.Note.Length == 0 ? "." : $": {live.Note}")}")
    {
        RetryAfter = nextTry ?? TimeSpan.FromSeconds(5), ShouldRetry = true, DroppedReason = "rejected-no-endpoints",
    };

    private static string Unreachable(LiveRequest live, LiveOutcome outcome)
    {
        var wait = outcome.Forecast is { } forecast
            ? string.Create(CultureInfo.InvariantCulture, $"The expected time to the first token is {forecast.Ttft:0.0} s, ")
            : "The promise cannot be kept, ";
        var promise = live.Call.Slo.Ttft != TimeSpan.MaxValue
            ? string.Create(CultureInfo.InvariantCulture, $"the promise {live.Call.Slo.Ttft.TotalSeconds:0.0##} s. ")
            : string.Create(CultureInfo.InvariantCulture, $"the deadline {live.Call.Slo.E2e.TotalSeconds:0.0##} s. ");
        return wait + promise + "Try again later, hold the request with 'x-sluice-on-late: hold', " +
            "or send it as background or batch work.";
    }
}
