using Npgsql;

namespace Sluice.Storage.Tests;

/// <summary>Where a contract runs: an empty database of its own, which outlives the stores that open it.</summary>
public abstract class StoreServer : IDisposable
{
    internal abstract IDatabase Connect();

    public abstract void Dispose();

    public Store Open() => Store.Open(Connect());
}

public sealed class SqliteServer : StoreServer
{
    public string Folder { get; } = Directory.CreateTempSubdirectory("sluice-sqlite-").FullName;

    public override void Dispose() => Directory.Delete(Folder, recursive: true);

    internal override IDatabase Connect() => new SqliteDatabase(Folder);
}

public sealed class PostgresServer : StoreServer
{
    private readonly string _connection = PostgresCluster.Shared.CreateDatabase();

    internal override IDatabase Connect() => new PostgresDatabase(_connection);

    public void EndOtherConnections()
    {
        using var connection = new NpgsqlConnection(_connection + ";Pooling=false");
        connection.Open();
        using var command = new NpgsqlCommand(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
            connection);
        command.ExecuteNonQuery();
    }

    public override void Dispose()
    {
    }
}
