using System.Diagnostics;
using Sluice.Core;

namespace Sluice.Gateway;

/// <summary>One request as a span of a trace: named as the conventions want it, with the times it passed the queue as events.</summary>
internal static class RequestSpan
{
    /// <param name="epoch">Beginning of the gateway's time line.</param>
    public static void Write(ActivitySource source, EndedRequest request, DateTimeOffset epoch)
    {
        ActivityContext.TryParse(request.Call.TraceParent, request.Call.TraceState, isRemote: true, out var parent);
        using var span = source.StartActivity(
            ActivityKind.Server, parent, startTime: At(request.ArrivedAt), name: $"{request.Operation} {request.Call.Model}");
        if (span is null) return; // Not sampled.

        var call = request.Call;
        span.SetTag("gen_ai.operation.name", request.Operation);
        span.SetTag("gen_ai.provider.name", TelemetryMetrics.Provider);
        span.SetTag("gen_ai.request.model", call.Model);
        span.SetTag("gen_ai.request.max_tokens", call.OutputTokensMax);
        span.SetTag("gen_ai.usage.input_tokens", request.PromptTokens);
        span.SetTag("gen_ai.usage.output_tokens", request.OutputTokens);
        if (call.ServiceTier is { } tier) span.SetTag("openai.request.service_tier", tier);
        span.SetTag("openai.api.type", request.Operation == "chat" ? "chat_completions" : request.Operation);
        if (request.FirstTokenAt != Instant.Never)
            span.SetTag("gen_ai.response.time_to_first_chunk", (request.FirstTokenAt - request.ArrivedAt).TotalSeconds);

        span.SetTag("sluice.request.id", call.ExternalId);
        span.SetTag("sluice.engine", request.Engine);
        span.SetTag("sluice.queue.class", request.Class);
        if (request.DispatchedAt != Instant.Never)
            span.SetTag("sluice.queue.wait", (request.DispatchedAt - request.ArrivedAt).TotalSeconds);
        if (request.Forecast is { } forecast && double.IsFinite(forecast.Mean))
        {
            span.SetTag("sluice.queue.position", forecast.Ahead + 1);
            span.SetTag("sluice.queue.expected_wait", forecast.Mean);
        }

        span.SetTag("sluice.queue.evictions", request.Evictions);
        span.SetTag("sluice.queue.engine_losses", request.Losses);
        span.SetTag("sluice.slo.met", request.IsMet);
        Event("dispatched", request.DispatchedAt);
        Event("first token", request.FirstTokenAt);
        if (request.Error is { } error)
        {
            span.SetTag("error.type", error);
            span.SetStatus(ActivityStatusCode.Error, error);
        }

        span.SetEndTime(At(request.EndedAt).UtcDateTime);

        void Event(string name, Instant at)
        {
            if (at != Instant.Never) span.AddEvent(new(name, At(at)));
        }

        DateTimeOffset At(Instant at) => epoch + TimeSpan.FromTicks(at.Ticks);
    }
}
