namespace Sluice.Storage;

/// <summary>Somebody who shares the fleet with others.</summary>
/// <param name="Weight">Share of service relative to other tenants of the same class, above 0.</param>
/// <param name="RequestsPerMinute">Null for no limit.</param>
/// <param name="TokensPerMinute">Input and output; null for no limit.</param>
/// <param name="ServiceClass">Class of requests that name none; null for the gateway's default.</param>
public sealed record Tenant(
    string Id, double Weight = 1, long? RequestsPerMinute = null, long? TokensPerMinute = null, string? ServiceClass = null,
    long Created = 0);

/// <param name="Hash">SHA-256 of the key; the key itself is nowhere.</param>
/// <param name="Hint">First and last characters, to tell keys apart in a list.</param>
/// <param name="Revoked">Unix seconds; null while it is good.</param>
public sealed record ApiKey(string Id, string Tenant, string Name, byte[] Hash, string Hint, long Created, long? Revoked = null);

/// <summary>Tenants and their keys: few, changed rarely, read whole.</summary>
public interface ITenantStore
{
    Task<IReadOnlyList<Tenant>> TenantsAsync(CancellationToken cancellation);

    /// <summary>Adds a tenant, or changes the one of that id.</summary>
    Task PutTenantAsync(Tenant tenant, CancellationToken cancellation);

    /// <summary>Deletes a tenant and its keys; its files and batches stay until they expire.</summary>
    Task<bool> DeleteTenantAsync(string id, CancellationToken cancellation);

    Task<IReadOnlyList<ApiKey>> KeysAsync(CancellationToken cancellation);

    Task AddKeyAsync(ApiKey key, CancellationToken cancellation);

    Task<bool> RevokeKeyAsync(string id, long now, CancellationToken cancellation);
}
