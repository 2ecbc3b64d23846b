using System.Text;

namespace Sluice.Storage.Tests;

public abstract class FileContract(StoreServer server) : StoreContract(server)
{
    [StoreFact]
    public async Task A_published_file_is_there_after_reopening_with_every_byte()
    {
        // Longer than two parts, and not a multiple of one.
        var content = new byte[FileWriter.PartBytes * 2 + 12_345];
        new Random(1).NextBytes(content);

        var stored = await Store.PutAsync(Make.File(), content);
        await ReopenAsync();

        Assert.Equal(stored, await Store.Files.FindAsync("t", "file-1", Never));
        Assert.Equal(content.Length, stored.Bytes);
        Assert.Equal(content, await Store.ReadAsync(stored));
    }

    [StoreFact]
    public async Task An_empty_file_can_be_stored_and_read()
    {
        var stored = await Store.PutAsync(Make.File(), []);

        Assert.Equal((0L, 0L), (stored.Bytes, stored.Lines));
        Assert.Empty(await Store.ReadAsync(stored));
    }

    [StoreFact]
    public async Task Lines_are_counted_across_writes_with_or_without_a_final_line_feed()
    {
        Assert.Equal(2, await LinesOf("a\nb\n"));
        Assert.Equal(2, await LinesOf("a\nb"));
        Assert.Equal(2, await LinesOf("a", "a\n", "b", "b"));
        Assert.Equal(3, await LinesOf("a\n", "\n", "b"));

        async Task<long> LinesOf(params string[] writes)
        {
            var writer = await Store.Files.BeginAsync(Make.File(Ids.NewFile()), Never);
            foreach (var text in writes) await writer.WriteAsync(Encoding.UTF8.GetBytes(text), Never);
            return (await writer.PublishAsync(Never)).Lines;
        }
    }

    [StoreFact]
    public async Task A_file_that_is_not_published_is_not_seen_and_swept_when_old()
    {
        var writer = await Store.Files.BeginAsync(Make.File(created: 100), Never);
        await writer.WriteAsync(new byte[FileWriter.PartBytes], Never);

        Assert.Null(await Store.Files.FindAsync("t", "file-1", Never));
        Assert.Empty((await Store.Files.ListAsync("t", null, new(), Never)).Items);
        Assert.False(await Store.Files.DeleteAsync("t", "file-1", Never));
        Assert.Equal(0, await Store.Files.SweepAsync(now: 1000, abandonedBefore: 100, Never));
        Assert.Equal(1, await Store.Files.SweepAsync(now: 1000, abandonedBefore: 101, Never));
    }

    [StoreFact]
    public async Task A_file_is_swept_when_it_expires_and_not_before()
    {
        await Store.PutAsync(Make.File(expires: 500), "x"u8.ToArray());

        Assert.Equal(0, await Store.Files.SweepAsync(now: 499, abandonedBefore: 0, Never));
        Assert.Equal(1, await Store.Files.SweepAsync(now: 500, abandonedBefore: 0, Never));
        Assert.Null(await Store.Files.FindAsync("t", "file-1", Never));
    }

    [StoreFact]
    public async Task Another_tenant_neither_sees_nor_deletes_a_file()
    {
        await Store.PutAsync(Make.File(tenant: "owner"), "x"u8.ToArray());

        Assert.Null(await Store.Files.FindAsync("other", "file-1", Never));
        Assert.False(await Store.Files.DeleteAsync("other", "file-1", Never));
        Assert.Empty((await Store.Files.ListAsync("other", null, new(), Never)).Items);
        Assert.NotNull(await Store.Files.FindAsync("owner", "file-1", Never));
    }

    [StoreFact]
    public async Task Reading_a_file_that_is_deleted_meanwhile_fails_instead_of_ending_early()
    {
        var stored = await Store.PutAsync(Make.File(), new byte[FileWriter.PartBytes + 1]);
        await using var stream = Store.Files.OpenRead(stored);
        await stream.ReadExactlyAsync(new byte[FileWriter.PartBytes]);

        Assert.True(await Store.Files.DeleteAsync("t", "file-1", Never));

        var failure = await Assert.ThrowsAsync<StorageException>(() => stream.ReadExactlyAsync(new byte[1]).AsTask());
        Assert.Contains("file-1 was deleted", failure.Message, StringComparison.Ordinal);
    }

    [StoreFact]
    public async Task A_list_is_walked_page_by_page_in_either_order_and_filtered_by_purpose()
    {
        for (var i = 1; i <= 5; i++) await Store.PutAsync(Make.File($"file-{i}", purpose: i == 3 ? "other" : "batch"), []);

        Assert.Equal(["file-5", "file-4"], await Walk(new(null, 2), hasMore: true));
        Assert.Equal(["file-2", "file-1"], await Walk(new("file-4", 2), hasMore: false));
        Assert.Equal(["file-1", "file-2", "file-4", "file-5"], await Walk(new(null, 4, IsNewestFirst: false), hasMore: false));
        Assert.Empty(await Walk(new("file-unknown", 2), hasMore: false));

        async Task<IEnumerable<string>> Walk(PageQuery query, bool hasMore)
        {
            var page = await Store.Files.ListAsync("t", "batch", query, Never);
            Assert.Equal(hasMore, page.HasMore);
            return page.Items.Select(f => f.Id);
        }
    }

    [StoreFact]
    public async Task What_is_abandoned_leaves_nothing()
    {
        var writer = await Store.Files.BeginAsync(Make.File(), Never);
        await writer.WriteAsync(new byte[FileWriter.PartBytes], Never);

        await writer.AbandonAsync();

        Assert.Equal(0, await Store.Files.SweepAsync(now: 1000, abandonedBefore: 1000, Never));
    }
}
