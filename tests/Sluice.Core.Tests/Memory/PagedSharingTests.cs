namespace Sluice.Core.Tests;

/// <summary>Forks and copy on write of <see cref="PagedKvCache"/>.</summary>
public sealed class PagedSharingTests
{
    [Theory]
    [InlineData(20, 4)]
    [InlineData(1, 8)]
    [InlineData(31, 2)]
    [InlineData(32, 4)] // The last block is full, so nobody ever writes it.
    public void Samples_share_the_prompts_blocks_and_cost_at_most_one_copy_each_beyond_the_first(int prompt, int samples)
    {
        var cache = new PagedKvCache(100, 16);
        var promptBlocks = (prompt + 15) / 16;
        Assert.True(cache.TryAdmit(0, KvRequests.Of(prompt), prompt));
        for (var sample = 1; sample < samples; sample++) Assert.True(cache.TryFork(0, sample));
        Assert.Equal(promptBlocks, cache.TakenBlocks());
        for (var block = 0; block < promptBlocks; block++) Assert.Equal(samples, cache.References(block));

        for (var tokens = prompt + 1; tokens <= prompt + 40; tokens++)
            for (var sample = 0; sample < samples; sample++)
                Assert.True(cache.TryReserve(sample, tokens));

        Assert.Equal(prompt % 16 == 0 ? 0 : samples - 1, cache.PendingCopies.Length);
        for (var block = 0; block < prompt / 16; block++) Assert.Equal(samples, cache.References(block));
        cache.Audit();

        for (var sample = 0; sample < samples; sample++) cache.Release(sample);
        Assert.Equal(100, cache.FreeBlocks);
        cache.Audit();
    }

    [Fact]
    public void A_write_into_a_shared_block_goes_to_a_copy_and_leaves_the_others_block_alone()
    {
        var cache = new PagedKvCache(10, 16);
        Assert.True(cache.TryAdmit(0, KvRequests.Of(20), 20));
        Assert.True(cache.TryFork(0, 1));

        Assert.True(cache.TryReserve(1, 21));

        Assert.Equal([new BlockCopy(1, 2, BlockCopyKind.DeviceToDevice)], cache.PendingCopies.ToArray());
        Assert.Equal([0, 1], cache.BlockTable(0).ToArray());
        Assert.Equal([0, 2], cache.BlockTable(1).ToArray());
        Assert.True(cache.TryReserve(0, 21)); // Its last block is its own again.
        Assert.Single(cache.PendingCopies.ToArray());

        cache.ClearPendingCopies();
        Assert.True(cache.PendingCopies.IsEmpty);
    }

    [Fact]
    public void A_copy_that_finds_no_block_fails_and_changes_nothing()
    {
        var cache = new PagedKvCache(2, 16);
        Assert.True(cache.TryAdmit(0, KvRequests.Of(20), 20));
        Assert.True(cache.TryFork(0, 1));

        Assert.False(cache.TryReserve(1, 21));

        Assert.True(cache.PendingCopies.IsEmpty);
        Assert.Equal([0, 1], cache.BlockTable(1).ToArray());
        Assert.True(cache.TryReserve(1, 20)); // What it has it keeps.
        cache.Audit();
    }

    [Fact]
    public void A_copy_and_a_new_block_are_taken_both_or_not_at_all()
    {
        var cache = new PagedKvCache(3, 16);
        Assert.True(cache.TryAdmit(0, KvRequests.Of(20), 20));
        Assert.True(cache.TryFork(0, 1));

        Assert.False(cache.TryReserve(1, 33));

        Assert.Equal((1, 0), (cache.FreeBlocks, cache.PendingCopies.Length));
        cache.Audit();
    }

    [Fact]
    public void Settling_into_a_shared_block_is_a_bug_because_nobody_counted_the_copy()
    {
        var cache = new PagedKvCache(10, 16);
        Assert.True(cache.TryAdmit(0, KvRequests.Of(20), 20));
        Assert.True(cache.TryFork(0, 1));
        Assert.True(cache.TryGrow(1));

        Assert.Throws<InvariantException>(() => cache.Settle(1, 33));
    }

    [Fact]
    public void Forking_onto_a_slot_in_use_or_from_one_that_is_not_is_a_bug()
    {
        var cache = new PagedKvCache(10, 16);
        Assert.True(cache.TryAdmit(0, KvRequests.Of(20), 20));

        Assert.Throws<InvariantException>(() => cache.TryFork(0, 0));
        Assert.Throws<InvariantException>(() => cache.TryFork(5, 1));
        Assert.Throws<InvariantException>(() => cache.TryFork(0, -1));
        Assert.Equal(8, cache.FreeBlocks);
    }

    [Fact]
    public void A_sequence_rewound_into_a_block_it_shares_writes_a_copy()
    {
        var cache = new PagedKvCache(10, 16);
        Assert.True(cache.TryAdmit(0, KvRequests.Of(48), 48));
        Assert.True(cache.TryFork(0, 1));

        cache.Rewind(1, 20);
        Assert.True(cache.TryReserve(1, 21));

        Assert.Equal([0, 3], cache.BlockTable(1).ToArray());
        Assert.Equal([new BlockCopy(1, 3, BlockCopyKind.DeviceToDevice)], cache.PendingCopies.ToArray());
        Assert.Equal([0, 1, 2], cache.BlockTable(0).ToArray());
        cache.Audit();
    }

    [Fact]
    public void Dropped_beams_give_back_only_what_no_other_beam_holds()
    {
        var cache = new PagedKvCache(20, 4);
        Assert.True(cache.TryAdmit(0, KvRequests.Of(8), 8));
        Assert.True(cache.TryFork(0, 1));
        Assert.True(cache.TryReserve(0, 14)); // Two blocks of its own.
        Assert.True(cache.TryReserve(1, 10)); // One.
        Assert.True(cache.TryFork(0, 2)); // Beam 0 wins twice,

        cache.Release(1); // beam 1 is dropped.

        Assert.Equal(20 - 4, cache.FreeBlocks);
        cache.Release(0);
        Assert.Equal(20 - 4, cache.FreeBlocks);
        cache.Release(2);
        Assert.Equal(20, cache.FreeBlocks);
    }

    [Fact]
    public void A_runner_that_never_clears_its_copies_is_a_bug()
    {
        var cache = new PagedKvCache(4, 16);
        Assert.True(cache.TryAdmit(0, KvRequests.Of(20), 20));

        Assert.Throws<InvariantException>(() =>
        {
            for (var i = 0; i < 10_000; i++)
            {
                cache.TryFork(0, 1);
                cache.TryReserve(1, 21);
                cache.Release(1);
            }
        });
    }

    [Fact]
    public void Forks_copies_and_prefix_hits_allocate_nothing_once_warm()
    {
        var cache = new PagedKvCache(400, 16, hostBlocks: 50, prefixCache: true) { ListsSwaps = true };
        Request[] requests = [.. Enumerable.Range(1, 60).Select(i => KvRequests.Salted(60 + i, salt: (ulong)i % 17))];

        for (var i = 0; i < 5; i++) Round();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 50; i++) Round();

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Round()
        {
            for (var i = 0; i < requests.Length; i++)
            {
                var slot = 3 * (i % 10);
                var prompt = requests[i].PromptTokens;
                if (cache.CachedTokens(requests[i]) >= prompt || !cache.TryAdmit(slot, requests[i], prompt))
                    throw new InvalidOperationException("the cache is large enough");
                cache.TryFork(slot, slot + 1);
                cache.TryFork(slot + 1, slot + 2);
                for (var child = slot; child < slot + 3; child++) cache.TryReserve(child, prompt + 30);
                cache.TrySwapOut(slot);
                cache.TrySwapIn(slot, prompt + 31);
                for (var child = slot; child < slot + 3; child++) cache.Release(child);
                cache.ClearPendingCopies();
            }
        }
    }
}
