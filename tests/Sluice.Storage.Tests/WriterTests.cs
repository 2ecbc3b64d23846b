namespace Sluice.Storage.Tests;

public sealed class WriterTests
{
    [Fact]
    public async Task Writes_that_wait_together_share_one_commit()
    {
        using var server = new SqliteServer();
        using var database = new FaultyDatabase(server.Connect(), Fault.OnceBefore, failing: int.MaxValue);
        // The first write holds the writer's thread until the others wait behind it.
        using var gate = new ManualResetEventSlim();
        await using var writer = Open(database);
        var before = database.Statements;
        var first = writer.WriteAsync(_ => { gate.Wait(); return 0; }, default);
        var rest = Enumerable.Range(0, 100).Select(i => writer.WriteAsync(_ => i, default)).ToArray();
        gate.Set();
        await first;

        Assert.Equal(Enumerable.Range(0, 100), await Task.WhenAll(rest));
        Assert.InRange(database.Statements - before, 2, 4); // BEGIN and COMMIT of one or two groups, instead of 101.
    }

    [Fact]
    public async Task One_bad_write_fails_alone_and_those_beside_it_are_kept()
    {
        using var server = new SqliteServer();
        using var database = server.Connect();
        await using var store = Store.Open(database);
        await using var writer = Open(database);
        using var gate = new ManualResetEventSlim();

        var first = writer.WriteAsync(_ => { gate.Wait(); return 0; }, default);
        var good = writer.WriteAsync(s => s.Execute("INSERT INTO tenants (id, weight, created) VALUES ('a', 1, 0)"), default);
        var bad = writer.WriteAsync(s => s.Execute("INSERT INTO no_such_table VALUES (1)"), default);
        gate.Set();

        await first;
        Assert.Equal(1, await good);
        var failure = await Assert.ThrowsAsync<StorageException>(() => bad);
        Assert.Contains("no_such_table", failure.Message, StringComparison.Ordinal);
        Assert.Equal(["a"], (await store.Tenants.TenantsAsync(default)).Select(t => t.Id));
    }

    [Fact]
    public async Task A_closed_store_says_so()
    {
        using var server = new SqliteServer();
        var store = server.Open();
        await store.DisposeAsync();

        var failure = await Assert.ThrowsAsync<StorageException>(() => store.Tenants.PutTenantAsync(new("a"), default));
        Assert.Equal("the store is closed", failure.Message);
    }

    private static Writer Open(IDatabase database)
    {
        var session = database.OpenWriter();
        Schema.Prepare(database, session);
        return new(database, session, Owner.Claim(database, session));
    }
}
