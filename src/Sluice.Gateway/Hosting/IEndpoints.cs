namespace Sluice.Gateway;

/// <summary>A group of endpoints that belong together; one file each.</summary>
public interface IEndpoints
{
    void Map(IEndpointRouteBuilder routes, GatewayServices gateway);
}
