using System.Data.Common;

namespace Sluice.Storage.Tests;

/// <summary>A database whose connections can be lost.</summary>
internal sealed class LossyDatabase(IDatabase inner) : IDatabase
{
    private readonly List<LossySession> _sessions = [];

    public string Where => inner.Where;

    public string RowNumber => inner.RowNumber;

    public string Bytes => inner.Bytes;

    public string Begin => inner.Begin;

    public string IfInUse => inner.IfInUse;

    /// <summary>Ends all connections of writers. Who uses one will notice.</summary>
    public void Lose()
    {
        foreach (var session in _sessions) session.Lose();
        _sessions.Clear();
    }

    public ISession OpenWriter()
    {
        var session = new LossySession(inner.OpenWriter());
        _sessions.Add(session);
        return session;
    }

    public bool TryLock(ISession session) => inner.TryLock(session);

    public Task<DbConnection> OpenReaderAsync(CancellationToken cancellation) => inner.OpenReaderAsync(cancellation);

    public void Dispose() => inner.Dispose();

    private sealed class LossySession(ISession inner) : ISession
    {
        private bool _isLost;

        public int Execute(string sql, params ReadOnlySpan<object?> values) => Inner().Execute(sql, values);

        public List<T> Query<T>(string sql, Func<DbDataReader, T> read, params ReadOnlySpan<object?> values) =>
            Inner().Query(sql, read, values);

        public void Lose()
        {
            inner.Dispose();
            _isLost = true;
        }

        public void Dispose()
        {
            if (!_isLost) inner.Dispose();
        }

        private ISession Inner() => _isLost ? throw new IOException("the connection was lost") : inner;
    }
}
