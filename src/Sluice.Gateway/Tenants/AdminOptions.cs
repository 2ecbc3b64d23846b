using System.Net;
using Sluice.Core;

namespace Sluice.Gateway;

/// <summary>Where tenants and keys are administered.</summary>
public sealed record AdminOptions
{
    /// <summary>Loopback only, unless there is a token.</summary>
    public string Host { get; init; } = "127.0.0.1";

    /// <summary>0 for any free port; null for the one after the public one.</summary>
    public int? Port { get; init; }

    /// <summary>Asked of everybody when set, as <c>Authorization: Bearer TOKEN</c>.</summary>
    public string? Token { get; init; }

    public bool IsLoopback =>
        Host == "localhost" || (IPAddress.TryParse(Host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address));

    /// <exception cref="InputException">It would be open to strangers.</exception>
    public void Check()
    {
        if (!IsLoopback && string.IsNullOrEmpty(Token))
        {
            throw new InputException(
                $"admin host {Host}: whoever reaches it could make keys. Set an admin token, or let it listen on 127.0.0.1.");
        }
    }
}
