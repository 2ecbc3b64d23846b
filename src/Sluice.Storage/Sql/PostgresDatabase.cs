using System.Data.Common;
using Npgsql;

namespace Sluice.Storage;

/// <summary>A database of a PostgreSQL server, which one process owns.</summary>
/// <remarks>The owner holds an advisory lock on the very connection that it writes through: the lock goes away with the connection,
/// and whoever lost it cannot write. So connections must be the server's own, not those of a pooler that lends them out by
/// transaction.</remarks>
internal sealed class PostgresDatabase : IDatabase
{
    /// <summary>Statements kept prepared per connection; the store has fewer.</summary>
    private const int PreparedMax = 64;

    /// <summary>The advisory lock's name among all of a database's: "sluice" in ASCII.</summary>
    private const long LockName = 0x736c75696365;

    /// <summary>The server looks for a sign of life after 10 s of silence, and gives a machine that vanished up after 25.</summary>
    private const string KeepAlive = "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3";

    private readonly NpgsqlDataSource _source;
    private readonly string _writer;

    /// <exception cref="StorageException">The connection string is wrong.</exception>
    public PostgresDatabase(string connection)
    {
        try
        {
            var text = new NpgsqlConnectionStringBuilder(connection) { MaxAutoPrepare = PreparedMax, AutoPrepareMinUsages = 2 };
            Where = $"PostgreSQL at {text.Host}, database {text.Database}";
            _source = NpgsqlDataSource.Create(text);
            _writer = new NpgsqlConnectionStringBuilder(text.ConnectionString) { Pooling = false }.ConnectionString;
        }
        catch (ArgumentException e)
        {
            throw new StorageException(
                $"not a PostgreSQL connection string ({e.Message}); it looks like 'Host=db;Username=sluice;Database=sluice'", e);
        }
    }

    public string Where { get; }

    public string RowNumber => "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY";

    public string Bytes => "BYTEA";

    public string Begin => "BEGIN";

    public string IfInUse => "stop that one, or give this one a database of its own";

    /// <summary>Outside the pool: its end is the connection's, and with it the lock's.</summary>
    public ISession OpenWriter()
    {
        var connection = new NpgsqlConnection(_writer);
        try
        {
            connection.Open();
        }
        catch
        {
            connection.Dispose();
            throw;
        }

        return new AdoSession(connection);
    }

    public bool TryLock(ISession session)
    {
        session.Execute(KeepAlive);
        session.Execute("BEGIN");
        try
        {
            session.Execute("SET LOCAL lock_timeout = '2s'");
            session.Execute("SELECT pg_advisory_lock(@p1)", LockName);
            session.Execute("COMMIT");
            return true;
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.LockNotAvailable)
        {
            session.Execute("ROLLBACK");
            return false;
        }
    }

    public async Task<DbConnection> OpenReaderAsync(CancellationToken cancellation) =>
        await _source.OpenConnectionAsync(cancellation);

    public void Dispose() => _source.Dispose();
}
