namespace Sluice.Storage.Tests;

/// <summary>The life of one batch in steps. Each step can be repeated; a step that fails is repeated a few times before the
/// caller gives up.</summary>
/// <param name="tenant">Keeps lives in one database apart.</param>
internal sealed class Life(string tenant)
{
    private const int Tries = 3;

    private static readonly byte[] s_content = [.. Enumerable.Range(0, 600_000).Select(i => (byte)i)];

    private readonly string _batch = $"batch_1{tenant}";
    private int _done;

    /// <summary>Steps the store has acknowledged.</summary>
    public int Acknowledged => _done;

    private IReadOnlyList<(Func<Store, Task> Do, Func<Store, Task<bool>> IsThere)> Steps =>
    [
        (UploadAsync, async store => await store.Files.FindAsync(tenant, Id("file-1"), default) is { } file
            && (await store.ReadAsync(file)).SequenceEqual(s_content)),
        (store => store.Batches.CreateAsync(Batch, default), async store => await FindAsync(store) is not null),
        (store => store.Lines.AddAsync(_batch, Make.Lines(3), default), async store =>
            (await FindAsync(store))!.Status is not BatchStatus.Validating
            || (await store.Lines.PendingAsync(_batch, 0, 10, default)).Count == 3),
        (store => store.Batches.StartAsync(_batch, 3, "m", 110, default), async store => (await FindAsync(store))!.Counts.Total == 3),
        (store => store.Lines.RecordAsync(_batch, Make.Result(1, usage: new(1, 0, 10, 0)), default), HasAsync(1, 0)),
        (store => store.Lines.RecordAsync(_batch, Make.Result(2, isError: true), default), HasAsync(1, 1)),
        (store => store.Lines.RecordAsync(_batch, Make.Result(3, usage: new(1, 0, 10, 0)), default), HasAsync(2, 1)),
        (store => store.Batches.FinalizeAsync(_batch, 120, default), async store => (await FindAsync(store))!.Times.Finalizing == 120),
        (FinishAsync, async store => (await FindAsync(store)) is { Status: BatchStatus.Completed, OutputFile: { } id }
            && await store.Files.FindAsync(tenant, id, default) is { Bytes: 22 }),
        (store => store.Lines.PurgeAsync(default), async store =>
            (await store.Lines.ResultsAsync(_batch, default).ToListAsync()).Count == 0),
    ];

    private NewBatch Batch => Make.Batch(_batch, tenant) with { InputFile = Id("file-1") };

    public async Task LiveAsync(Store store)
    {
        while (_done < Steps.Count)
        {
            await RepeatAsync(() => Steps[_done].Do(store));
            _done++;
        }
    }

    /// <returns>How many of the acknowledged steps can be seen in the store, up to the first that cannot.</returns>
    public async Task<int> VerifiedAsync(Store store)
    {
        for (var i = 0; i < _done; i++)
            if (!await Steps[i].IsThere(store)) return i;
        return _done;
    }

    public async Task<string[]> SummaryAsync(Store store)
    {
        var lines = new List<string>();
        foreach (var file in (await store.Files.ListAsync(tenant, null, new(IsNewestFirst: false), default)).Items)
            lines.Add($"{file.Id[..^tenant.Length]} {file.Purpose} {file.Bytes} bytes");
        var batch = (await FindAsync(store))!;
        lines.Add($"{batch.Id[..^tenant.Length]} {batch.Status} {batch.Counts.Total} {batch.Counts.Completed} "
            + $"{batch.Counts.Failed} usage {batch.Usage.Output}");
        lines.Add((await store.Lines.PendingAsync(_batch, 0, 10, default)).Count == 0 ? "no lines" : "lines left");
        lines.Add((await store.Lines.ResultsAsync(_batch, default).ToListAsync()).Count == 0 ? "no results" : "results left");
        return [.. lines];
    }

    private static async Task RepeatAsync(Func<Task> step)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await step();
                return;
            }
            catch (StorageException) when (attempt < Tries)
            {
                // Not acknowledged: the same again.
            }
        }
    }

    private string Id(string name) => name + tenant;

    private Task<StoredBatch?> FindAsync(Store store) => store.Batches.FindAsync(tenant, _batch, default);

    private Func<Store, Task<bool>> HasAsync(long completed, long failed) => async store =>
        await FindAsync(store) is { } batch && batch.Counts.Completed >= completed && batch.Counts.Failed >= failed;

    private async Task UploadAsync(Store store)
    {
        var writer = await store.Files.BeginAsync(Make.File(Id("file-1"), tenant), default);
        await writer.WriteAsync(s_content, default);
        await writer.PublishAsync(default);
    }

    private async Task FinishAsync(Store store)
    {
        var output = await store.Files.BeginAsync(Make.File(Id("file-out"), tenant, "batch_output"), default);
        var errors = await store.Files.BeginAsync(Make.File(Id("file-err"), tenant, "batch_output"), default);
        await foreach (var result in store.Lines.ResultsAsync(_batch, default))
            await (result.IsError ? errors : output).WriteAsync(result.Content, default);
        await store.Batches.FinishAsync(_batch, BatchStatus.Completed, output, errors, 130, default);
    }
}
