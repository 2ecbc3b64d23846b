using System.Data.Common;
using Microsoft.Data.Sqlite;

namespace Sluice.Storage;

/// <summary>One SQLite file in a folder that one process owns.</summary>
/// <remarks>Write-ahead log with a flush per commit (synchronous = FULL), so that an acknowledged write survives power
/// loss. A lock on a file beside it keeps a second process out; it goes away with the process, however that ends.</remarks>
internal sealed class SqliteDatabase : IDatabase
{
    /// <summary>Pages in the log before they are copied into the file; 4,096 pages are 16 MiB.</summary>
    private const int CheckpointPages = 4096;

    private readonly FileStream _lock;
    private readonly string _file;

    static SqliteDatabase() => SQLitePCL.Batteries_V2.Init();

    /// <exception cref="StorageException">The folder cannot be used, or another process uses it.</exception>
    public SqliteDatabase(string folder)
    {
        _file = Path.GetFullPath(Path.Combine(folder, "sluice.db"));
        try
        {
            Directory.CreateDirectory(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StorageException($"cannot make the data folder {folder}: {e.Message}", e);
        }

        try
        {
            _lock = new(Path.Combine(folder, "sluice.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new StorageException($"cannot write into the data folder {folder}: {e.Message}", e);
        }
        catch (IOException e)
        {
            throw new StorageException(Owner.InUse($"the data folder {folder}", Holder(), IfInUse), e);
        }
    }

    public string Where => _file;

    public string RowNumber => "INTEGER PRIMARY KEY AUTOINCREMENT";

    public string Bytes => "BLOB";

    public string Begin => "BEGIN IMMEDIATE";

    public string IfInUse => "stop that one, or give this one a folder of its own";

    /// <summary>The lock on the file is this process's already.</summary>
    public bool TryLock(ISession session) => true;

    public ISession OpenWriter()
    {
        var session = OpenSession();
        session.Query("PRAGMA journal_mode = WAL", static row => row.GetString(0));
        session.Execute("PRAGMA synchronous = FULL");
        session.Query($"PRAGMA wal_autocheckpoint = {CheckpointPages}", static row => row.GetInt64(0));
        return session;
    }

    public async Task<DbConnection> OpenReaderAsync(CancellationToken cancellation)
    {
        var connection = new SqliteConnection(ConnectionText(isPooled: true));
        await connection.OpenAsync(cancellation);
        return connection;
    }

    public void Dispose()
    {
        using (var connection = new SqliteConnection(ConnectionText(isPooled: true))) SqliteConnection.ClearPool(connection);
        _lock.Dispose();
    }

    /// <returns>Who owns the folder; null if that cannot be read.</returns>
    private string? Holder()
    {
        try
        {
            using var session = OpenSession();
            return Owner.Holder(session);
        }
        catch (SqliteException)
        {
            return null;
        }
    }

    private AdoSession OpenSession()
    {
        var connection = new SqliteConnection(ConnectionText(isPooled: false));
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

    private string ConnectionText(bool isPooled) =>
        new SqliteConnectionStringBuilder { DataSource = _file, Pooling = isPooled }.ToString();
}
