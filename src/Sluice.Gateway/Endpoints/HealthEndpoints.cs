namespace Sluice.Gateway;

/// <summary>For probes: does it live, and should it get traffic?</summary>
internal sealed class HealthEndpoints : IEndpoints
{
    public void Map(IEndpointRouteBuilder routes, GatewayServices gateway)
    {
        routes.MapGet("/healthz", context => JsonAnswer.WriteAsync(
            context, writer =>
            {
                writer.WriteStartObject();
                writer.WriteString("status"u8, gateway.Loop.IsBroken ? "broken" : "ok");
                writer.WriteEndObject();
            },
            gateway.Loop.IsBroken ? 503 : 200));
        routes.MapGet("/readyz", context => ReadyAsync(context, gateway));
    }

    private static async Task ReadyAsync(HttpContext context, GatewayServices gateway)
    {
        var snapshot = gateway.Loop.IsBroken ? null : await gateway.Loop.SnapshotAsync(0).ConfigureAwait(false);
        var engines = snapshot?.Engines.Count(e => e.IsPresent) ?? 0;
        var status = snapshot is null ? "broken" : gateway.Loop.IsStopping ? "stopping" : engines == 0 ? "no engine" : "ready";
        await JsonAnswer.WriteAsync(
            context, writer =>
            {
                writer.WriteStartObject();
                writer.WriteString("status"u8, status);
                writer.WriteNumber("engines"u8, engines);
                writer.WriteNumber("queued"u8, snapshot?.Queued ?? 0);
                writer.WriteNumber("live"u8, snapshot?.Live ?? 0);
                writer.WriteEndObject();
            },
            status == "ready" ? 200 : 503).ConfigureAwait(false);
    }
}
