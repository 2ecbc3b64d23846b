using System.Data.Common;

namespace Sluice.Storage;

/// <summary>The one process that writes to a store. Each that takes it raises a number; whoever comes back with an older one, after
/// its connection was lost, finds that it was overtaken and writes no more.</summary>
internal sealed class Owner
{
    /// <summary>One row.</summary>
    public const string Table = "CREATE TABLE IF NOT EXISTS sluice_owner (epoch BIGINT NOT NULL, holder TEXT NOT NULL)";

    private readonly IDatabase _database;
    private readonly long _epoch;

    private Owner(IDatabase database, long epoch) => (_database, _epoch) = (database, epoch);

    /// <summary>Of a session that has the lock, once the tables are there.</summary>
    public static Owner Claim(IDatabase database, ISession session)
    {
        var holder = $"{Environment.MachineName}, process {Environment.ProcessId}";
        session.Execute(database.Begin);
        if (session.Execute("UPDATE sluice_owner SET epoch = epoch + 1, holder = @p1", holder) == 0)
            session.Execute("INSERT INTO sluice_owner (epoch, holder) VALUES (1, @p1)", holder);
        var epoch = EpochOf(session);
        session.Execute("COMMIT");
        return new(database, epoch);
    }

    /// <summary>Another connection, in place of one that was lost.</summary>
    /// <exception cref="StoreTakenException">Another process has taken the store since.</exception>
    /// <exception cref="StorageException">Not yet; it can be tried again.</exception>
    public ISession OpenAgain()
    {
        var session = _database.OpenWriter();
        try
        {
            CheckEpoch(session); // Before waiting for whoever has it.
            var hasLock = _database.TryLock(session);
            CheckEpoch(session);
            if (hasLock) return session;
            throw new StorageException($"{_database.Where} still holds this process's lost connection for its own");
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    /// <summary>What to say to a second process.</summary>
    public static string InUse(string what, string? holder, string advice) =>
        $"{what} is in use by another process{(holder is null ? "" : $" ({holder})")}; {advice}";

    /// <returns>Who took it last; null if nobody did.</returns>
    public static string? Holder(ISession session)
    {
        try
        {
            return session.Query("SELECT holder FROM sluice_owner", static row => row.GetString(0)).FirstOrDefault();
        }
        catch (DbException)
        {
            return null; // Whoever has it is only just making the tables.
        }
    }

    private void CheckEpoch(ISession session)
    {
        if (EpochOf(session) != _epoch)
            throw new StoreTakenException($"{_database.Where} was taken over by {Holder(session)}; this process writes no more");
    }

    private static long EpochOf(ISession session) => session.Query("SELECT epoch FROM sluice_owner", static row => row.GetInt64(0))[0];
}
