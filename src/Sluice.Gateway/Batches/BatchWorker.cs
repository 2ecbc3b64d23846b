using System.Threading.Channels;
using Sluice.Storage;

namespace Sluice.Gateway;

/// <summary>Runs the unfinished batches of the store: those that were there when the gateway started, and those that come.</summary>
internal sealed class BatchWorker(BatchParts parts)
{
    private readonly Dictionary<string, (BatchRun Run, Task Task)> _running = new(StringComparer.Ordinal);

    /// <summary>Holds at most one wish to look at the store; more would find the same.</summary>
    private readonly Channel<bool> _wishes = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    /// <summary>Says that a batch came or changed.</summary>
    public void Look() => _wishes.Writer.TryWrite(true);

    public async Task RunAsync(CancellationToken stop)
    {
        Look();
        var isFirst = true;
        try
        {
            while (await _wishes.Reader.WaitToReadAsync(stop))
            {
                _wishes.Reader.TryRead(out _);
                try
                {
                    await LookAsync(isFirst, stop);
                    isFirst = false;
                }
                catch (StorageException e)
                {
                    BatchLog.LookFailed(parts.Log, e);
                    _ = LookLaterAsync(stop);
                }
            }
        }
        finally
        {
            await Task.WhenAll(_running.Values.Select(static r => r.Task));
        }
    }

    /// <summary>Starts what may start, and tells runs whose batches were cancelled.</summary>
    private async Task LookAsync(bool isFirst, CancellationToken stop)
    {
        foreach (var (id, (run, task)) in _running.ToArray())
        {
            if (!task.IsCompleted) continue;
            _running.Remove(id);
            run.Dispose();
        }

        var found = await parts.Store.Batches.UnfinishedAsync(stop);
        if (isFirst) await parts.Store.Lines.PurgeAsync(stop);
        if (isFirst && found.Count > 0) BatchLog.Resuming(parts.Log, found.Count, parts.Store.Where);
        foreach (var batch in found.OrderBy(static b => b.Asked.Expires).ThenBy(static b => b.Id, StringComparer.Ordinal))
        {
            if (_running.TryGetValue(batch.Id, out var known))
            {
                if (batch.Status == BatchStatus.Cancelling) known.Run.Cancel();
                continue;
            }

            if (_running.Count >= parts.Options.BatchesAtOnce) continue;
            var run = new BatchRun(parts, batch);
            _running.Add(batch.Id, (run, RunAsync(run, stop)));
        }
    }

    private async Task RunAsync(BatchRun run, CancellationToken stop)
    {
        await Task.Yield();
        try
        {
            await run.RunAsync(stop);
            Look(); // There is room for another.
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The next start of the gateway takes it up.
        }
        catch (Exception e)
        {
            BatchLog.BatchFailed(parts.Log, e, run.Batch.Id);
            _ = LookLaterAsync(stop);
        }
    }

    private async Task LookLaterAsync(CancellationToken stop)
    {
        await Task.Delay(parts.Options.PauseMax, parts.Time, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Look();
    }
}
