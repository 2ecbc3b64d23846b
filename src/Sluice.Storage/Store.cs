using System.Data.Common;

namespace Sluice.Storage;

/// <summary>Everything that outlives the process. Each part is an interface of its own, so that whoever needs one does not
/// see the others.</summary>
/// <remarks>A write is durable when its task completes. Reads beside writes see what was committed before they
/// began.</remarks>
public sealed class Store : IAsyncDisposable
{
    private readonly IDatabase _database;
    private readonly Writer _writer;

    private Store(IDatabase database, Writer writer)
    {
        (_database, _writer) = (database, writer);
        var reader = new Reader(database);
        Files = new FileStore(writer, reader);
        Batches = new BatchStore(writer, reader);
        Lines = new LineStore(writer, reader);
        Tenants = new TenantStore(writer, reader);
        Responses = new ResponseStore(writer, reader);
    }

    public IFileStore Files { get; }

    public IBatchStore Batches { get; }

    public ILineStore Lines { get; }

    public ITenantStore Tenants { get; }

    public IResponseStore Responses { get; }

    /// <summary>Some write is not acknowledged yet.</summary>
    public bool IsWriting => _writer.Waiting > 0;

    /// <summary>Completes when another process has taken the store, with the reason: this one writes no more, and should
    /// end.</summary>
    public Task<StoreTakenException> Taken => _writer.Taken;

    /// <summary>Where the data is, for messages.</summary>
    public string Where => _database.Where;

    /// <exception cref="StorageException">It cannot be opened, as when another process has it; the message says why and what would
    /// help.</exception>
    public static Store Open(StorageOptions options) =>
        Open(options.Postgres is { } connection ? new PostgresDatabase(connection) : new SqliteDatabase(options.Folder));

    /// <summary>Owns the database from here on, also when this fails.</summary>
    internal static Store Open(IDatabase database)
    {
        ISession? session = null;
        try
        {
            session = database.OpenWriter();
            if (!database.TryLock(session))
                throw new StorageException(Owner.InUse(database.Where, Owner.Holder(session), database.IfInUse));
            Schema.Prepare(database, session);
            return new(database, new(database, session, Owner.Claim(database, session)));
        }
        catch (Exception e) when (e is DbException or IOException or InvalidOperationException or TimeoutException)
        {
            session?.Dispose();
            database.Dispose();
            throw new StorageException($"cannot open {database.Where}: {e.Message}", e);
        }
        catch (StorageException)
        {
            session?.Dispose();
            database.Dispose();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _writer.DisposeAsync();
        _database.Dispose();
    }
}
