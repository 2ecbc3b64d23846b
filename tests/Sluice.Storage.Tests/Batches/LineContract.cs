namespace Sluice.Storage.Tests;

public abstract class LineContract(StoreServer server) : StoreContract(server)
{
    [StoreFact]
    public async Task A_result_is_recorded_once_whoever_brings_it()
    {
        await Store.StartAsync(Make.Batch(), lines: 2);

        var recorded = await Task.WhenAll(
            Enumerable.Range(0, 20).Select(_ => Store.Lines.RecordAsync("batch_1", Make.Result(1), Never)));

        Assert.Single(recorded, true);
        Assert.Equal(new BatchCounts(2, 1, 0), (await Store.Batches.FindAsync("t", "batch_1", Never))!.Counts);
        Assert.Equal([2], (await Store.Lines.PendingAsync("batch_1", 0, 10, Never)).Select(l => l.Line));
        Assert.Equal("result of 1"u8.ToArray(), (await Store.Lines.ResultsAsync("batch_1", Never).ToListAsync()).Single().Content);
    }

    [StoreFact]
    public async Task No_result_is_taken_before_the_batch_has_started_nor_once_it_is_finalizing()
    {
        await Store.Batches.CreateAsync(Make.Batch(), Never);
        await Store.Lines.AddAsync("batch_1", Make.Lines(2), Never);
        Assert.False(await Store.Lines.RecordAsync("batch_1", Make.Result(1), Never));

        await Store.Batches.StartAsync("batch_1", 2, null, now: 110, Never);
        Assert.True(await Store.Lines.RecordAsync("batch_1", Make.Result(1), Never));

        await Store.Batches.FinalizeAsync("batch_1", now: 120, Never);
        Assert.False(await Store.Lines.RecordAsync("batch_1", Make.Result(2), Never));
    }

    [StoreFact]
    public async Task A_line_that_the_batch_does_not_have_takes_no_result()
    {
        await Store.StartAsync(Make.Batch(), lines: 1);

        Assert.False(await Store.Lines.RecordAsync("batch_1", Make.Result(7), Never));
    }

    [StoreFact]
    public async Task Pending_lines_come_in_order_in_portions_with_their_bodies()
    {
        await Store.StartAsync(Make.Batch(), lines: 5);
        await Store.Lines.RecordAsync("batch_1", Make.Result(3), Never);
        await ReopenAsync();

        var first = await Store.Lines.PendingAsync("batch_1", 0, 2, Never);
        var second = await Store.Lines.PendingAsync("batch_1", first[^1].Line, 10, Never);

        Assert.Equal([1, 2], first.Select(l => l.Line));
        Assert.Equal([4, 5], second.Select(l => l.Line));
        Assert.Equal(Make.Line(5).Body, second[^1].Body);
        Assert.Equal("c5", second[^1].CustomId);
    }

    [StoreFact]
    public async Task Lines_added_twice_are_there_once()
    {
        await Store.Batches.CreateAsync(Make.Batch(), Never);
        await Store.Lines.AddAsync("batch_1", Make.Lines(3), Never);
        await Store.Lines.AddAsync("batch_1", Make.Lines(4), Never);

        Assert.Equal([1, 2, 3, 4], (await Store.Lines.PendingAsync("batch_1", 0, 10, Never)).Select(l => l.Line));
    }

    [StoreFact]
    public async Task Results_come_in_the_order_of_lines_over_several_pages()
    {
        await Store.StartAsync(Make.Batch(), lines: 1200);
        await Task.WhenAll(Enumerable.Range(1, 1200).Reverse()
            .Select(line => Store.Lines.RecordAsync("batch_1", Make.Result(line, isError: line % 2 == 0), Never)));

        var results = await Store.Lines.ResultsAsync("batch_1", Never).ToListAsync();

        Assert.Equal(Enumerable.Range(1, 1200), results.Select(r => r.Line));
        Assert.All(results, r => Assert.Equal(r.Line % 2 == 0, r.IsError));
    }

    [StoreFact]
    public async Task Purging_forgets_the_lines_of_ended_batches_only()
    {
        await Store.StartAsync(Make.Batch("batch_1"), lines: 3000);
        await Store.StartAsync(Make.Batch("batch_2"), lines: 2);
        await Store.Lines.RecordAsync("batch_1", Make.Result(1), Never);
        await Store.Lines.RecordAsync("batch_2", Make.Result(1), Never);
        await Store.Batches.CancelAsync("t", "batch_1", now: 120, Never);
        await Store.Batches.FinishAsync("batch_1", BatchStatus.Cancelled, null, null, now: 130, Never);

        await Store.Lines.PurgeAsync(Never);

        Assert.Empty(await Store.Lines.PendingAsync("batch_1", 0, 10, Never));
        Assert.Empty(await Store.Lines.ResultsAsync("batch_1", Never).ToListAsync());
        Assert.Single(await Store.Lines.PendingAsync("batch_2", 0, 10, Never));
        Assert.Single(await Store.Lines.ResultsAsync("batch_2", Never).ToListAsync());
    }
}
