using Sluice.Storage;

namespace Sluice.Gateway;

/// <summary>Writes a batch's output and error files and ends it, all in one moment as others see it. After a crash it begins
/// anew; what was half written is never seen.</summary>
internal sealed class OutputFiles(Store store, TimeProvider time)
{
    private const int PendingPortion = 500;

    private static readonly byte[] s_lineFeed = [(byte)'\n'];

    /// <param name="end">Decides what is said of lines without an answer.</param>
    public async Task FinishAsync(StoredBatch batch, BatchStatus end, CancellationToken cancel)
    {
        FileWriter? output = null, errors = null;
        var isFinished = false;
        try
        {
            await foreach (var result in store.Lines.ResultsAsync(batch.Id, cancel))
            {
                if (result.IsError) await WriteAsync(errors ??= await BeginAsync(batch, "error", cancel), result.Content, cancel);
                else await WriteAsync(output ??= await BeginAsync(batch, "output", cancel), result.Content, cancel);
            }

            if (batch.Times.InProgress is not null)
            {
                var (code, message) = end == BatchStatus.Cancelled
                    ? ("batch_cancelled", "This request was not executed: the batch was cancelled.")
                    : ("batch_expired", "This request could not be executed before the completion window expired.");
                var after = 0;
                while (await store.Lines.PendingAsync(batch.Id, after, PendingPortion, cancel) is { Count: > 0 } rest)
                {
                    foreach (var line in rest)
                    {
                        errors ??= await BeginAsync(batch, "error", cancel);
                        await WriteAsync(errors, OutputLine.Unanswered(line.CustomId, code, message), cancel);
                    }

                    after = rest[^1].Line;
                }
            }

            isFinished = await store.Batches.FinishAsync(batch.Id, end, output, errors, time.UnixSeconds(), cancel);
        }
        finally
        {
            if (!isFinished)
            {
                if (output is not null) await output.AbandonAsync();
                if (errors is not null) await errors.AbandonAsync();
            }
        }
    }

    private async Task<FileWriter> BeginAsync(StoredBatch batch, string kind, CancellationToken cancel)
    {
        var now = time.UnixSeconds();
        return await store.Files.BeginAsync(
            new(Ids.NewFile(), batch.Asked.Tenant, "batch_output", $"{batch.Id}_{kind}.jsonl", now, now + batch.Asked.OutputSeconds),
            cancel);
    }

    private static async ValueTask WriteAsync(FileWriter file, byte[] line, CancellationToken cancel)
    {
        await file.WriteAsync(line, cancel);
        await file.WriteAsync(s_lineFeed, cancel);
    }
}
