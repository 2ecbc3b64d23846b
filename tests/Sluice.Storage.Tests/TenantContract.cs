namespace Sluice.Storage.Tests;

public abstract class TenantContract(StoreServer server) : StoreContract(server)
{
    [StoreFact]
    public async Task A_tenant_is_kept_and_changed_in_place()
    {
        await Store.Tenants.PutTenantAsync(new("a", Weight: 2, RequestsPerMinute: 60, TokensPerMinute: null, "chat", Created: 5), Never);
        await Store.Tenants.PutTenantAsync(new("b"), Never);
        await Store.Tenants.PutTenantAsync(new("a", Weight: 3.5, RequestsPerMinute: null, TokensPerMinute: 1000, null, Created: 9), Never);
        await ReopenAsync();

        Assert.Equal([new("a", 3.5, null, 1000, null, Created: 5), new("b")], await Store.Tenants.TenantsAsync(Never));
    }

    [StoreFact]
    public async Task A_key_is_found_with_its_hash_and_revoked_once()
    {
        await Store.Tenants.AddKeyAsync(new("key_1", "a", "laptop", [1, 2, 3], "sk-…xyz", Created: 5), Never);
        await ReopenAsync();

        Assert.True(await Store.Tenants.RevokeKeyAsync("key_1", now: 9, Never));
        Assert.False(await Store.Tenants.RevokeKeyAsync("key_1", now: 10, Never));

        var key = Assert.Single(await Store.Tenants.KeysAsync(Never));
        Assert.Equal(("a", 9L), (key.Tenant, key.Revoked!.Value));
        Assert.Equal([1, 2, 3], key.Hash);
    }

    [StoreFact]
    public async Task Deleting_a_tenant_takes_its_keys_along()
    {
        await Store.Tenants.PutTenantAsync(new("a"), Never);
        await Store.Tenants.AddKeyAsync(new("key_1", "a", "", [1], "", Created: 5), Never);
        await Store.Tenants.AddKeyAsync(new("key_2", "b", "", [2], "", Created: 5), Never);

        Assert.True(await Store.Tenants.DeleteTenantAsync("a", Never));
        Assert.False(await Store.Tenants.DeleteTenantAsync("a", Never));

        Assert.Equal(["key_2"], (await Store.Tenants.KeysAsync(Never)).Select(k => k.Id));
    }
}
