using Sluice.Core;
using Sluice.Storage;

namespace Sluice.Gateway;

/// <summary>What a gateway with a store has besides one without: files, batches, tenants, the admin API.</summary>
public sealed class DurableParts : IAsyncDisposable
{
    private readonly BatchFeature _batches;

    private DurableParts(Store store, TenantDirectory tenants, BatchFeature batches, AdminServer? admin) =>
        (Store, Tenants, _batches, Admin) = (store, tenants, batches, admin);

    public Store Store { get; }

    public TenantDirectory Tenants { get; }

    /// <summary>Null if there is to be none.</summary>
    public AdminServer? Admin { get; }

    /// <param name="admin">Null for no admin API.</param>
    /// <exception cref="StorageException">The store cannot be opened; the message says why.</exception>
    /// <exception cref="InputException">The admin API would be open to strangers.</exception>
    public static async Task<DurableParts> OpenAsync(
        StorageOptions storage, BatchOptions? batches = null, AdminOptions? admin = null, TimeProvider? time = null)
    {
        admin?.Check();
        var store = Store.Open(storage);
        try
        {
            var tenants = await TenantDirectory.LoadAsync(store.Tenants, time);
            return new(
                store, tenants, new(store, batches, tenants.CallerOf, time), admin is null ? null : new(tenants, admin, time));
        }
        catch
        {
            await store.DisposeAsync();
            throw;
        }
    }

    /// <summary>The parts of a gateway, with these among them.</summary>
    public GatewayParts With(GatewayParts parts) => parts with
    {
        Callers = new TenantDoor(Tenants),
        Responses = Store.Responses,
        CallerOf = Tenants.CallerOf,
        Endpoints = [.. parts.Endpoints, _batches],
        Workers = Admin is null
            ? [.. parts.Workers, _batches.RunAsync]
            : [.. parts.Workers, _batches.RunAsync, Admin.RunAsync],
    };

    /// <summary>Dispose of it after the gateway.</summary>
    public async ValueTask DisposeAsync()
    {
        Tenants.Dispose();
        await Store.DisposeAsync();
    }
}
