namespace Sluice.Gateway;

/// <summary>What can be seen from outside: metrics and the dashboard, fed by the loop's events.</summary>
internal sealed class ObservingEndpoints : IEndpoints
{
    public void Map(IEndpointRouteBuilder routes, GatewayServices gateway)
    {
        var stats = new RequestStats(gateway);
        new MetricsEndpoint(stats).Map(routes, gateway);
        new DashboardEndpoints(stats, new NotableEvents(gateway.Loop)).Map(routes, gateway);
    }
}
