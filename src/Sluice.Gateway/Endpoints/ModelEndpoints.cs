using System.Text.Json;

namespace Sluice.Gateway;

/// <summary>The models that engines offer, and their other names.</summary>
internal sealed class ModelEndpoints : IEndpoints
{
    public void Map(IEndpointRouteBuilder routes, GatewayServices gateway)
    {
        routes.MapGet("/v1/models", context => ListAsync(context, gateway));
        routes.MapGet("/v1/models/{**model}", context => GetAsync(context, gateway));
    }

    private static async Task ListAsync(HttpContext context, GatewayServices gateway)
    {
        if (await RefusedAsync(context, gateway).ConfigureAwait(false)) return;
        await JsonAnswer.WriteAsync(context, writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("object"u8, "list"u8);
            writer.WriteStartArray("data"u8);
            foreach (var name in gateway.Loop.Models.Names) Write(writer, name, gateway);
            foreach (var name in gateway.Loop.Models.Aliases.Keys) Write(writer, name, gateway);
            writer.WriteEndArray();
            writer.WriteEndObject();
        }).ConfigureAwait(false);
    }

    private static async Task GetAsync(HttpContext context, GatewayServices gateway)
    {
        if (await RefusedAsync(context, gateway).ConfigureAwait(false)) return;
        var asked = context.Request.RouteValues["model"] as string ?? "";
        if (gateway.Loop.Models.TryResolve(asked, out _, out _))
            await JsonAnswer.WriteAsync(context, writer => Write(writer, asked, gateway)).ConfigureAwait(false);
        else
            await ApiError.NotFound($"The model '{asked}' does not exist here.", "model_not_found", "model")
                .WriteAsync(context).ConfigureAwait(false);
    }

    private static async ValueTask<bool> RefusedAsync(HttpContext context, GatewayServices gateway)
    {
        context.Response.Headers[AnswerHeaders.RequestId] = gateway.Ids.Of(context.Request);
        if (gateway.Callers.Find(context, out var refusal) is not null) return false;
        await refusal!.WriteAsync(context).ConfigureAwait(false);
        return true;
    }

    private static void Write(Utf8JsonWriter writer, string name, GatewayServices gateway)
    {
        writer.WriteStartObject();
        writer.WriteString("id"u8, name);
        writer.WriteString("object"u8, "model"u8);
        writer.WriteNumber("created"u8, gateway.StartedAt.ToUnixTimeSeconds());
        writer.WriteString("owned_by"u8, "sluice"u8);
        writer.WriteEndObject();
    }
}
