using Sluice.Storage;

namespace Sluice.Gateway;

/// <summary>Deletes what has expired.</summary>
internal sealed class Housekeeping(Store store, BatchOptions options, TimeProvider time, ILogger log)
{
    public async Task RunAsync(CancellationToken stop)
    {
        using var timer = new PeriodicTimer(options.SweepEvery, time);
        do
        {
            try
            {
                var now = time.UnixSeconds();
                await store.Files.SweepAsync(now, now - (long)options.AbandonedAfter.TotalSeconds, stop);
                await store.Responses.SweepAsync(now, stop);
            }
            catch (StorageException e)
            {
                BatchLog.SweepFailed(log, e);
            }
        }
        while (await timer.WaitForNextTickAsync(stop));
    }
}
