using Sluice.Upstreams;

namespace Sluice.Gateway;

/// <summary>How long a request would wait and whether its promise would hold, without running anything. The body and headers
/// are those of the request itself.</summary>
internal sealed class EstimateEndpoint : IEndpoints
{
    public void Map(IEndpointRouteBuilder routes, GatewayServices gateway) =>
        routes.MapPost("/v1/estimate", context => HandleAsync(context, gateway));

    private static async Task HandleAsync(HttpContext context, GatewayServices gateway)
    {
        var id = gateway.Ids.Of(context.Request);
        context.Response.Headers[AnswerHeaders.RequestId] = id;
        if (gateway.Callers.Find(context, out var problem) is not { } caller)
        {
            await problem!.WriteAsync(context).ConfigureAwait(false);
            return;
        }

        (var body, problem) = await gateway.Bodies.ReadAsync(context).ConfigureAwait(false);
        if (problem is null)
        {
            gateway.Bodies.Release(body.Length);
            if (BodyFacts.TryRead(body.Span, out var facts, out problem) &&
                (problem = gateway.Describe(
                    UpstreamApi.ChatCompletions, body, in facts, context.Request.Headers, caller, id, out var call, out _)) is null)
            {
                await AnswerAsync(context, gateway, call!).ConfigureAwait(false);
                return;
            }
        }

        await problem!.WriteAsync(context).ConfigureAwait(false);
    }

    private static async Task AnswerAsync(HttpContext context, GatewayServices gateway, LiveCall call)
    {
        var (forecast, engines) = await gateway.Loop.EstimateAsync(call).ConfigureAwait(false);
        if (forecast is not { } wait || double.IsInfinity(wait.Mean))
        {
            var isUnknown = forecast is null && engines > 0;
            await new ApiError(
                503, "server_error", isUnknown ? "no_estimate" : "no_engine",
                isUnknown
                    ? $"The system '{gateway.Options.System}' does not predict waits."
                    : $"No engine serves the model '{call.Model}' at this moment.") { RetryAfter = TimeSpan.FromSeconds(5) }
                .WriteAsync(context).ConfigureAwait(false);
            return;
        }

        await JsonAnswer.WriteAsync(context, writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("object"u8, "sluice.estimate"u8);
            writer.WriteString("model"u8, call.Model);
            writer.WriteString("class"u8, gateway.Options.Classes[call.Class].Name);
            writer.WriteNumber("prompt_tokens"u8, call.PromptTokens);
            writer.WriteNumber("requests_ahead"u8, wait.Ahead);
            writer.WriteNumber("wait_ms"u8, Math.Round(wait.Mean * 1000, 1));
            writer.WriteNumber("wait_p90_ms"u8, Math.Round(wait.P90 * 1000, 1));
            writer.WriteNumber("ttft_ms"u8, Math.Round(wait.Ttft * 1000, 1));
            writer.WriteNumber("e2e_ms"u8, Math.Round(wait.E2e * 1000, 1));
            Promise("ttft_promise_ms", call.Slo.Ttft);
            Promise("e2e_promise_ms", call.Slo.E2e);
            writer.WriteBoolean("slo_met"u8, wait.Keeps(call.Slo));
            writer.WriteEndObject();

            void Promise(string name, TimeSpan value)
            {
                if (value == TimeSpan.MaxValue) writer.WriteNull(name);
                else writer.WriteNumber(name, value.TotalMilliseconds);
            }
        }).ConfigureAwait(false);
    }
}
