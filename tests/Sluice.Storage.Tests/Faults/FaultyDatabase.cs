using System.Data.Common;

namespace Sluice.Storage.Tests;

/// <summary>How the n-th statement fails.</summary>
public enum Fault
{
    /// <summary>It does nothing and says so; all others work.</summary>
    OnceBefore,

    /// <summary>It works and then claims to have failed: a lost connection after a commit looks like this.</summary>
    OnceAfter,

    /// <summary>It and all after it do nothing: the process dies.</summary>
    FromThenOn,
}

/// <summary>A database whose n-th statement fails, counted from 1 over all sessions.</summary>
internal sealed class FaultyDatabase(IDatabase inner, Fault fault, int failing) : IDatabase
{
    private int _statements;

    public int Statements => _statements;

    public string Where => inner.Where;

    public string RowNumber => inner.RowNumber;

    public string Bytes => inner.Bytes;

    public string Begin => inner.Begin;

    public string IfInUse => inner.IfInUse;

    public bool TryLock(ISession session) => inner.TryLock(session);

    public ISession OpenWriter() => new FaultySession(this, inner.OpenWriter());

    public Task<DbConnection> OpenReaderAsync(CancellationToken cancellation) => inner.OpenReaderAsync(cancellation);

    public void Dispose() => inner.Dispose();

    private T Run<T>(Func<T> statement)
    {
        var number = ++_statements;
        var fails = number == failing || (fault is Fault.FromThenOn && number > failing);
        if (fails && fault is not Fault.OnceAfter) throw new IOException($"statement {number} fails");
        var result = statement();
        return fails ? throw new IOException($"statement {number} worked and fails") : result;
    }

    private sealed class FaultySession(FaultyDatabase database, ISession inner) : ISession
    {
        public int Execute(string sql, params ReadOnlySpan<object?> values)
        {
            var copy = values.ToArray();
            return database.Run(() => inner.Execute(sql, copy));
        }

        public List<T> Query<T>(string sql, Func<DbDataReader, T> read, params ReadOnlySpan<object?> values)
        {
            var copy = values.ToArray();
            return database.Run(() => inner.Query(sql, read, copy));
        }

        public void Dispose() => inner.Dispose();
    }
}
