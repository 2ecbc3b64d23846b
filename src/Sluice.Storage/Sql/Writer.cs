using System.Data.Common;
using System.Threading.Channels;

namespace Sluice.Storage;

/// <summary>The one thread that writes. Writes that wait together share one transaction and one flush (group commit).</summary>
/// <remarks>A write is acknowledged after its transaction is on disk. When a transaction fails, its writes are tried again
/// one by one, so that one bad write fails alone; this is safe because every write does nothing the second time. A connection
/// that was lost is opened again, unless another process has taken the store by then.</remarks>
internal sealed class Writer : IAsyncDisposable
{
    /// <summary>Writes that may wait. Enough for thousands of callers at once; beyond it callers wait to enter, which holds
    /// memory to this many rows.</summary>
    private const int WaitingMax = 4096;

    /// <summary>Writes per transaction: what a failed commit has to repeat, and how long a newcomer waits at most.</summary>
    private const int GroupMax = 256;

    private readonly Channel<Write> _waiting = Channel.CreateBounded<Write>(
        new BoundedChannelOptions(WaitingMax) { SingleReader = true });

    private readonly IDatabase _database;
    private readonly Owner _owner;
    private readonly Task _ended;
    private readonly TaskCompletionSource<StoreTakenException> _taken = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ISession? _session;
    private int _count;

    public Writer(IDatabase database, ISession session, Owner owner)
    {
        (_database, _session, _owner) = (database, session, owner);
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _ended = ended.Task;
        new Thread(() => Loop(ended)) { IsBackground = true, Name = "sluice store writer" }.Start();
    }

    /// <summary>Writes that were asked for and not acknowledged.</summary>
    public int Waiting => Volatile.Read(ref _count);

    public Task<StoreTakenException> Taken => _taken.Task;

    /// <summary>Completes when what the write did survives power loss.</summary>
    /// <param name="write">May run more than once; must depend on nothing but the database and its own arguments.</param>
    /// <exception cref="StorageException">It was not acknowledged, and may be repeated.</exception>
    public async Task<T> WriteAsync<T>(Func<ISession, T> write, CancellationToken cancellation)
    {
        var entry = new Write<T>(write);
        Interlocked.Increment(ref _count);
        try
        {
            await _waiting.Writer.WriteAsync(entry, cancellation);
            return await entry.Done; // Not cancelled any more: the caller must learn what became of it.
        }
        catch (ChannelClosedException e)
        {
            throw new StorageException("the store is closed", e);
        }
        finally
        {
            Interlocked.Decrement(ref _count);
        }
    }

    public async ValueTask DisposeAsync()
    {
        _waiting.Writer.TryComplete();
        await _ended;
    }

    private void Loop(TaskCompletionSource ended)
    {
        var group = new List<Write>(GroupMax);
        while (_waiting.Reader.WaitToReadAsync().AsTask().GetAwaiter().GetResult())
        {
            while (group.Count < GroupMax && _waiting.Reader.TryRead(out var write)) group.Add(write);
            if (TryCommit(group) is { } failure)
            {
                if (group.Count == 1) group[0].Fail(failure);
                else CommitSingly(group);
            }

            group.Clear();
        }

        _session?.Dispose();
        ended.SetResult();
    }

    private void CommitSingly(List<Write> group)
    {
        StorageException? unreachable = null;
        foreach (var write in group)
        {
            if ((unreachable ?? TryCommit([write])) is not { } failure) continue;
            write.Fail(failure);
            if (_session is null) unreachable = failure; // The others would only wait for the same.
        }
    }

    /// <returns>Null when the writes are durable, and told so.</returns>
    private StorageException? TryCommit(List<Write> group)
    {
        if (Taken.IsCompleted) return Taken.Result;
        try
        {
            _session ??= _owner.OpenAgain();
            _session.Execute(_database.Begin);
            foreach (var write in group) write.Run(_session);
            _session.Execute("COMMIT");
        }
        catch (StorageException e)
        {
            if (e is StoreTakenException taken) _taken.TrySetResult(taken);
            return e;
        }
        catch (Exception e) when (e is DbException or IOException or InvalidOperationException or TimeoutException)
        {
            TryRollBack();
            return new StorageException($"cannot write to {_database.Where}: {e.Message}", e);
        }

        foreach (var write in group) write.Succeed();
        return null;
    }

    private void TryRollBack()
    {
        try
        {
            _session?.Execute("ROLLBACK");
        }
        catch (Exception e) when (e is DbException or IOException or InvalidOperationException or TimeoutException)
        {
            _session?.Dispose(); // The next group opens another connection, which rolls back what this one left.
            _session = null;
        }
    }

    private abstract class Write
    {
        public abstract void Run(ISession session);

        public abstract void Succeed();

        public abstract void Fail(StorageException failure);
    }

    private sealed class Write<T>(Func<ISession, T> write) : Write
    {
        private readonly TaskCompletionSource<T> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private T _result = default!;

        public Task<T> Done => _done.Task;

        public override void Run(ISession session) => _result = write(session);

        public override void Succeed() => _done.SetResult(_result);

        public override void Fail(StorageException failure) => _done.SetException(failure);
    }
}
