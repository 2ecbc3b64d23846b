namespace Sluice.Storage.Tests;

public abstract class BatchContract(StoreServer server) : StoreContract(server)
{
    [StoreFact]
    public async Task A_batch_passes_its_states_once_and_keeps_when()
    {
        await Store.StartAsync(Make.Batch(), lines: 2);
        await Store.Lines.RecordAsync("batch_1", Make.Result(1, usage: new(10, 4, 20, 5)), Never);
        await Store.Lines.RecordAsync("batch_1", Make.Result(2, isError: true), Never);
        Assert.True(await Store.Batches.FinalizeAsync("batch_1", now: 120, Never));
        var output = await Store.Files.BeginAsync(Make.File("file-out", purpose: "batch_output"), Never);
        await output.WriteAsync("done\n"u8.ToArray(), Never);
        Assert.True(await Store.Batches.FinishAsync("batch_1", BatchStatus.Completed, output, null, now: 130, Never));
        await ReopenAsync();

        var batch = await Store.Batches.FindAsync("t", "batch_1", Never);
        Assert.Equal(
            new StoredBatch(
                Make.Batch(), BatchStatus.Completed, "m", null, "file-out", null,
                new(InProgress: 110, Finalizing: 120, Completed: 130, null, null, null, null), new(2, 1, 1), new(10, 4, 20, 5)),
            batch);
        Assert.Equal("done\n"u8.ToArray(), await Store.ReadAsync((await Store.Files.FindAsync("t", "file-out", Never))!));
    }

    [StoreFact]
    public async Task A_change_of_state_does_nothing_from_a_state_it_does_not_lead_out_of()
    {
        await Store.StartAsync(Make.Batch(), lines: 1);

        Assert.False(await Store.Batches.StartAsync("batch_1", 5, "other", now: 200, Never));
        Assert.False(await Store.Batches.FailAsync("batch_1", "[]", now: 200, Never));
        Assert.False(await Store.Batches.FinishAsync("batch_1", BatchStatus.Completed, null, null, now: 200, Never));
        Assert.False(await Store.Batches.FinalizeAsync("batch_unknown", now: 200, Never));

        var batch = await Store.Batches.FindAsync("t", "batch_1", Never);
        Assert.Equal((BatchStatus.InProgress, 1L, "m"), (batch!.Status, batch.Counts.Total, batch.Model));
    }

    [StoreFact]
    public async Task A_file_of_a_batch_that_cannot_finish_stays_unseen()
    {
        await Store.StartAsync(Make.Batch(), lines: 1);
        var output = await Store.Files.BeginAsync(Make.File("file-out"), Never);

        Assert.False(await Store.Batches.FinishAsync("batch_1", BatchStatus.Completed, output, null, now: 200, Never));

        Assert.Null(await Store.Files.FindAsync("t", "file-out", Never));
    }

    [StoreFact]
    public async Task Lines_without_a_result_count_as_failed_when_the_batch_ends()
    {
        await Store.StartAsync(Make.Batch(), lines: 3);
        await Store.Lines.RecordAsync("batch_1", Make.Result(2), Never);
        await Store.Batches.CancelAsync("t", "batch_1", now: 120, Never);

        Assert.True(await Store.Batches.FinishAsync("batch_1", BatchStatus.Cancelled, null, null, now: 130, Never));

        var batch = await Store.Batches.FindAsync("t", "batch_1", Never);
        Assert.Equal(new BatchCounts(3, 1, 2), batch!.Counts);
        Assert.Equal((120, 130), (batch.Times.Cancelling!.Value, batch.Times.Cancelled!.Value));
    }

    [StoreFact]
    public async Task Validation_errors_are_kept_with_the_failed_batch()
    {
        await Store.Batches.CreateAsync(Make.Batch(), Never);

        Assert.True(await Store.Batches.FailAsync("batch_1", """[{"line":1}]""", now: 105, Never));

        var batch = await Store.Batches.FindAsync("t", "batch_1", Never);
        Assert.Equal((BatchStatus.Failed, """[{"line":1}]""", 105L), (batch!.Status, batch.Errors, batch.Times.Failed!.Value));
        Assert.Empty(await Store.Batches.UnfinishedAsync(Never));
    }

    [StoreFact]
    public async Task Cancelling_tells_the_batch_as_it_is_and_changes_one_that_has_ended_no_more()
    {
        await Store.Batches.CreateAsync(Make.Batch(), Never);
        await Store.Batches.FailAsync("batch_1", "[]", now: 105, Never);

        Assert.Equal(BatchStatus.Failed, (await Store.Batches.CancelAsync("t", "batch_1", now: 120, Never))!.Status);
        Assert.Null(await Store.Batches.CancelAsync("other", "batch_1", now: 120, Never));
    }

    [StoreFact]
    public async Task Unfinished_batches_of_all_tenants_are_found_again_oldest_first()
    {
        await Store.Batches.CreateAsync(Make.Batch("batch_1", "a"), Never);
        await Store.StartAsync(Make.Batch("batch_2", "b"), lines: 1);
        await Store.StartAsync(Make.Batch("batch_3", "b"), lines: 1);
        await Store.Batches.FinalizeAsync("batch_3", now: 120, Never);
        await Store.Batches.FinishAsync("batch_3", BatchStatus.Expired, null, null, now: 121, Never);
        await ReopenAsync();

        Assert.Equal(["batch_1", "batch_2"], (await Store.Batches.UnfinishedAsync(Never)).Select(b => b.Id));
    }

    [StoreFact]
    public async Task A_tenant_lists_its_own_batches_newest_first()
    {
        for (var i = 1; i <= 3; i++) await Store.Batches.CreateAsync(Make.Batch($"batch_{i}", i == 2 ? "other" : "t"), Never);

        var page = await Store.Batches.ListAsync("t", new(null, 1), Never);
        Assert.Equal(("batch_3", true), (page.Items.Single().Id, page.HasMore));
        page = await Store.Batches.ListAsync("t", new("batch_3", 1), Never);
        Assert.Equal(("batch_1", false), (page.Items.Single().Id, page.HasMore));
        Assert.Null(await Store.Batches.FindAsync("other", "batch_1", Never));
    }
}
