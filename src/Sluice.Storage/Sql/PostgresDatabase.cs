using System.Data.Common;
using Npgsql;

namespace Sluice.Storage;

/// <summary>A PostgreSQL server, which several nodes may share.</summary>
internal sealed class PostgresDatabase : IDatabase
{
    /// <summary>Statements kept prepared per connection; the store has fewer.</summary>
    private const int PreparedMax = 64;

    private readonly NpgsqlDataSource _source;

    /// <exception cref="StorageException">The connection string is wrong.</exception>
    public PostgresDatabase(string connection)
    {
        try
        {
            var text = new NpgsqlConnectionStringBuilder(connection) { MaxAutoPrepare = PreparedMax, AutoPrepareMinUsages = 2 };
            Where = $"PostgreSQL at {text.Host}, database {text.Database}";
            _source = NpgsqlDataSource.Create(text);
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

    public ISession OpenWriter() => new AdoSession(_source.OpenConnection());

    public async Task<DbConnection> OpenReaderAsync(CancellationToken cancellation) =>
        await _source.OpenConnectionAsync(cancellation);

    public void Dispose() => _source.Dispose();
}
