namespace Sluice.Gateway;

/// <summary>Where the gateway listens.</summary>
public sealed record GatewayOptions
{
    public string Host { get; init; } = "127.0.0.1";

    /// <summary>0 for any free port.</summary>
    public int Port { get; init; } = 8080;
}
