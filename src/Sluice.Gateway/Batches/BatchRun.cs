using System.Collections.Concurrent;
using Sluice.Storage;

namespace Sluice.Gateway;

/// <summary>What the runs of batches share.</summary>
internal sealed record BatchParts(
    Store Store, BatchOptions Options, ILineRunner Runner, LineSlots Slots, BatchThroughput Throughput, TimeProvider Time, ILogger Log);

/// <summary>Takes one batch from where the store says it is to its end.</summary>
/// <remarks>It keeps nothing that the store does not know: stopped anywhere, by a signal or by death, the next run of the same
/// batch goes on.</remarks>
internal sealed class BatchRun(BatchParts parts, StoredBatch batch) : IDisposable
{
    /// <summary>Lines read from the store at a time.</summary>
    private const int Portion = 64;

    private readonly CancellationTokenSource _cancel = new();
    private readonly ConcurrentDictionary<int, int> _broken = [];
    private volatile bool _isPaused;
    private volatile bool _hasProgress;

    public StoredBatch Batch => batch;

    /// <summary>Its caller cancels the batch.</summary>
    public void Cancel() => _cancel.Cancel();

    public void Dispose() => _cancel.Dispose();

    /// <param name="stop">The gateway stops; the batch goes on when it starts again.</param>
    public async Task RunAsync(CancellationToken stop)
    {
        var status = batch.Status;
        if (status == BatchStatus.Validating && !_cancel.IsCancellationRequested) status = await ValidateAsync(stop);
        if (status == BatchStatus.InProgress) status = await RunLinesAsync(stop);
        if (status.IsEnd()) return;

        stop.ThrowIfCancellationRequested();
        var isCancelled = status == BatchStatus.Cancelling || _cancel.IsCancellationRequested;
        var now = await parts.Store.Batches.FindAsync(batch.Asked.Tenant, batch.Id, stop) ?? batch;
        var isWhole = (await parts.Store.Lines.PendingAsync(batch.Id, 0, 1, stop)).Count == 0;
        await new OutputFiles(parts.Store, parts.Time).FinishAsync(
            now,
            isCancelled ? BatchStatus.Cancelled : isWhole ? BatchStatus.Completed : BatchStatus.Expired, stop);
        await parts.Store.Lines.PurgeAsync(stop);
    }

    private async Task<BatchStatus> ValidateAsync(CancellationToken stop)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, _cancel.Token);
        try
        {
            var input = await new InputFile(parts.Store, parts.Options, parts.Runner).TakeAsync(batch, either.Token);
            var now = parts.Time.UnixSeconds();
            if (input.Problems.Count == 0)
            {
                return await parts.Store.Batches.StartAsync(batch.Id, input.Lines, input.Model, now, stop)
                    ? BatchStatus.InProgress
                    : BatchStatus.Cancelling;
            }

            if (!await parts.Store.Batches.FailAsync(batch.Id, InputFile.ToJson(input.Problems), now, stop))
                return BatchStatus.Cancelling;
            await parts.Store.Lines.PurgeAsync(stop);
            return BatchStatus.Failed;
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return BatchStatus.Cancelling;
        }
    }

    /// <returns>Finalizing or cancelling: no line is under way any more.</returns>
    private async Task<BatchStatus> RunLinesAsync(CancellationToken stop)
    {
        var left = DateTimeOffset.FromUnixTimeSeconds(batch.Asked.Expires) - parts.Time.GetUtcNow();
        using var window = new CancellationTokenSource(left > TimeSpan.Zero ? left : TimeSpan.Zero, parts.Time);
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(stop, _cancel.Token, window.Token);
        var pause = parts.Options.Pause;
        try
        {
            while (!await PassAsync(ends.Token))
            {
                pause = _hasProgress ? parts.Options.Pause : pause * 2 < parts.Options.PauseMax ? pause * 2 : parts.Options.PauseMax;
                await Task.Delay(pause, parts.Time, ends.Token);
            }
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            // Cancelled or expired; what was answered so far counts.
        }

        if (_cancel.IsCancellationRequested) return BatchStatus.Cancelling;
        return await parts.Store.Batches.FinalizeAsync(batch.Id, parts.Time.UnixSeconds(), stop)
            ? BatchStatus.Finalizing
            : BatchStatus.Cancelling;
    }

    /// <summary>Runs every pending line once, in order.</summary>
    /// <returns>True if none is pending any more.</returns>
    private async Task<bool> PassAsync(CancellationToken cancel)
    {
        _isPaused = _hasProgress = false;
        var running = new List<Task>();
        try
        {
            var after = 0;
            while (!_isPaused && await parts.Store.Lines.PendingAsync(batch.Id, after, Portion, cancel) is { Count: > 0 } lines)
            {
                foreach (var line in lines)
                {
                    var slots = parts.Slots.SlotsOf(line.Body.Length);
                    await parts.Slots.TakeAsync(slots, batch.Asked.Expires, cancel);
                    if (_isPaused) // While it waited for its place.
                    {
                        parts.Slots.Release(slots);
                        break;
                    }

                    running.Add(RunLineAsync(line, slots, cancel));
                }

                after = lines[^1].Line;
                running.RemoveAll(static task => task.IsCompletedSuccessfully);
            }
        }
        finally
        {
            await Task.WhenAll(running);
        }

        return (await parts.Store.Lines.PendingAsync(batch.Id, 0, 1, cancel)).Count == 0;
    }

    private async Task RunLineAsync(BatchLine line, int slots, CancellationToken cancel)
    {
        await Task.Yield(); // The loop that starts lines does not wait for any of them.
        var requestId = $"{batch.Id}-{line.Line}";
        var isDone = false;
        parts.Throughput.Began();
        try
        {
            var work = new LineWork(
                batch.Asked.Tenant, batch.Asked.Endpoint, requestId, line.Body, DateTimeOffset.FromUnixTimeSeconds(batch.Asked.Expires));
            var answer = await parts.Runner.RunAsync(work, cancel);
            isDone = await TakeAsync(line, requestId, answer);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // The line stays pending, and the next pass tries it again.
            BatchLog.LineFailed(parts.Log, e, batch.Id, line.Line);
            _isPaused = true;
        }
        catch (OperationCanceledException)
        {
            // Told to stop: as if it had never begun.
        }
        finally
        {
            parts.Throughput.Ended(isDone);
            parts.Slots.Release(slots);
        }
    }

    /// <returns>True once the line has its one result.</returns>
    private async Task<bool> TakeAsync(BatchLine line, string requestId, LineAnswer answer)
    {
        switch (answer.End)
        {
            case LineEnd.Stopped or LineEnd.NotNow:
                _isPaused = true;
                return false;
            case LineEnd.Broken when _broken.AddOrUpdate(line.Line, 1, static (_, tries) => tries + 1) < parts.Options.LineTriesMax:
                _isPaused = true;
                return false;
        }

        var isError = answer.End != LineEnd.Answered;
        var usage = isError ? default : OutputLine.UsageOf(answer.Body);
        var result = new LineResult(line.Line, isError, OutputLine.Of(line.CustomId, requestId, answer), usage);
        await parts.Store.Lines.RecordAsync(batch.Id, result, CancellationToken.None);
        _hasProgress = true;
        return true;
    }
}
