using Sluice.Core;

namespace Sluice.Gateway;

/// <summary>Whatever nobody else answers.</summary>
internal sealed class UnknownEndpoints : IEndpoints
{
    private static readonly string[] s_known =
    [
        "/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/responses", "/v1/models", "/v1/estimate", "/v1/files",
        "/v1/batches", "/healthz", "/readyz", "/metrics",
    ];

    public void Map(IEndpointRouteBuilder routes, GatewayServices gateway) =>
        routes.Map("/{**path}", context => HandleAsync(context, gateway)).WithOrder(int.MaxValue);

    private static Task HandleAsync(HttpContext context, GatewayServices gateway)
    {
        context.Response.Headers[AnswerHeaders.RequestId] = gateway.Ids.Of(context.Request);
        var path = context.Request.Path.Value ?? "/";
        if (s_known.Contains(path))
        {
            return new ApiError(
                405, "invalid_request_error", "method_not_allowed", $"{path} does not answer {context.Request.Method}.")
                .WriteAsync(context);
        }

        var shown = path.Length <= 200 ? path : path[..200] + "…";
        return ApiError.NotFound($"There is no {shown} here{Nearest.Hint(path, s_known)}.", "unknown_url").WriteAsync(context);
    }
}
