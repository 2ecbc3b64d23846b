namespace Sluice.Storage.Tests;

/// <summary>One process writes to a store at a time.</summary>
public abstract class OwnerContract(StoreServer server) : IDisposable
{
    private static readonly string s_thisProcess = $"{Environment.MachineName}, process {Environment.ProcessId}";

    public void Dispose()
    {
        server.Dispose();
        GC.SuppressFinalize(this);
    }

    [StoreFact]
    public async Task A_second_process_is_refused_and_told_who_has_the_store()
    {
        await using var first = server.Open();

        var failure = Assert.Throws<StorageException>(server.Open);

        Assert.Contains($"is in use by another process ({s_thisProcess})", failure.Message, StringComparison.Ordinal);
        await first.Tenants.PutTenantAsync(new("a"), default); // It goes on as if nothing had been.
    }

    [StoreFact]
    public async Task It_is_free_as_soon_as_its_owner_has_ended()
    {
        await server.Open().DisposeAsync();

        await using var second = server.Open();
        await second.Tenants.PutTenantAsync(new("a"), default);

        Assert.False(second.Taken.IsCompleted);
    }

    [StoreFact]
    public async Task An_owner_whose_connection_was_lost_connects_again()
    {
        var database = new LossyDatabase(server.Connect());
        await using var store = Store.Open(database);
        database.Lose();

        await Assert.ThrowsAsync<StorageException>(() => store.Tenants.PutTenantAsync(new("a"), default));
        await store.Tenants.PutTenantAsync(new("a"), default);

        Assert.Single(await store.Tenants.TenantsAsync(default));
        Assert.False(store.Taken.IsCompleted);
    }

    [StoreFact]
    public async Task An_owner_that_was_overtaken_while_its_connection_was_lost_writes_no_more()
    {
        var database = new LossyDatabase(server.Connect());
        await using var store = Store.Open(database);
        database.Lose();
        using (var other = database.OpenWriter())
        {
            Assert.True(database.TryLock(other));
            Owner.Claim(database, other);
            await Assert.ThrowsAsync<StorageException>(() => store.Tenants.PutTenantAsync(new("a"), default));

            var failure = await Assert.ThrowsAsync<StoreTakenException>(() => store.Tenants.PutTenantAsync(new("a"), default));
            Assert.Contains($"was taken over by {s_thisProcess}", failure.Message, StringComparison.Ordinal);
        }

        // Nor when the other is gone: what it did is not known here.
        await Assert.ThrowsAsync<StoreTakenException>(() => store.Tenants.PutTenantAsync(new("a"), default));
        Assert.Empty(await store.Tenants.TenantsAsync(default));
        await store.Taken;
    }

    [StoreFact]
    public async Task Writes_that_wait_together_for_a_store_that_is_taken_fail_together()
    {
        var database = new LossyDatabase(server.Connect());
        await using var store = Store.Open(database);
        database.Lose();
        using var other = database.OpenWriter();
        Assert.True(database.TryLock(other));
        Owner.Claim(database, other);

        var writes = Enumerable.Range(0, 20).Select(i => store.Tenants.PutTenantAsync(new($"t{i}"), default)).ToList();

        foreach (var write in writes) await Assert.ThrowsAnyAsync<StorageException>(() => write);
        Assert.Empty(await store.Tenants.TenantsAsync(default));
    }
}
