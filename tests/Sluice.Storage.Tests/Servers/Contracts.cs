namespace Sluice.Storage.Tests;

// A store is defined by its contract; here each server takes every part of it.

public sealed class SqliteFileTests() : FileContract(new SqliteServer());

public sealed class PostgresFileTests() : FileContract(new PostgresServer());

public sealed class SqliteBatchTests() : BatchContract(new SqliteServer());

public sealed class PostgresBatchTests() : BatchContract(new PostgresServer());

public sealed class SqliteLineTests() : LineContract(new SqliteServer());

public sealed class PostgresLineTests() : LineContract(new PostgresServer());

public sealed class SqliteTenantTests() : TenantContract(new SqliteServer());

public sealed class PostgresTenantTests() : TenantContract(new PostgresServer());

public sealed class SqliteResponseTests() : ResponseContract(new SqliteServer());

public sealed class PostgresResponseTests() : ResponseContract(new PostgresServer());

public sealed class SqliteFaultTests() : FaultContract(new SqliteServer());

public sealed class PostgresFaultTests() : FaultContract(new PostgresServer());

public sealed class SqliteOwnerTests() : OwnerContract(new SqliteServer());

public sealed class PostgresOwnerTests() : OwnerContract(new PostgresServer())
{
    /// <summary>The server's own hand on the connection, instead of a stand-in.</summary>
    [StoreFact]
    public async Task A_connection_that_the_server_ends_frees_the_store_and_stops_its_owner()
    {
        using var server = new PostgresServer();
        await using var store = server.Open();
        server.EndOtherConnections();
        await using var second = server.Open();

        await Assert.ThrowsAnyAsync<StorageException>(() => store.Tenants.PutTenantAsync(new("a"), default)); // It notices.
        await Assert.ThrowsAsync<StoreTakenException>(() => store.Tenants.PutTenantAsync(new("a"), default));

        await second.Tenants.PutTenantAsync(new("b"), default);
        Assert.Equal(["b"], (await second.Tenants.TenantsAsync(default)).Select(t => t.Id));
    }
}
