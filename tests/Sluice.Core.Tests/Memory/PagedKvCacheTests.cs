namespace Sluice.Core.Tests;

public sealed class PagedKvCacheContractTests : KvCacheContract
{
    protected override IKvCache Make(int totalTokens, int hostTokens) =>
        new PagedKvCache(totalTokens / 16, 16, hostTokens / 16);
}

public sealed class PrefixCachingPagedKvCacheContractTests : KvCacheContract
{
    protected override IKvCache Make(int totalTokens, int hostTokens) =>
        new PagedKvCache(totalTokens / 16, 16, hostTokens / 16, prefixCache: true);
}

public sealed class PagedKvCacheTests
{
    [Fact]
    public void Block_tables_name_physical_blocks_in_logical_order()
    {
        var cache = new PagedKvCache(10, 16);
        Assert.True(cache.TryAdmit(0, KvRequests.Of(40), 40));
        Assert.True(cache.TryAdmit(1, KvRequests.Of(10), 10));
        Assert.True(cache.TryReserve(0, 49));

        Assert.Equal([0, 1, 2, 4], cache.BlockTable(0).ToArray());
        Assert.Equal([3], cache.BlockTable(1).ToArray());
    }

    [Fact]
    public void Swaps_are_listed_for_a_runner_that_moves_memory()
    {
        var cache = new PagedKvCache(10, 16, hostBlocks: 4) { ListsSwaps = true };
        Assert.True(cache.TryAdmit(0, KvRequests.Of(20), 20));

        Assert.True(cache.TrySwapOut(0));
        Assert.Equal(
            [new(1, 0, BlockCopyKind.DeviceToHost), new BlockCopy(0, 1, BlockCopyKind.DeviceToHost)],
            cache.PendingCopies.ToArray());
        Assert.Equal([1, 0], cache.HostBlockTable(0).ToArray());
        cache.ClearPendingCopies();

        Assert.True(cache.TrySwapIn(0, 40));
        Assert.Equal(2, cache.PendingCopies.Length);
        Assert.Equal(cache.BlockTable(0)[0], cache.PendingCopies[0].Target);
        Assert.Equal(3, cache.BlockTable(0).Length);
        cache.Audit();
    }

    [Fact]
    public void Swapping_out_a_sequence_leaves_the_blocks_it_shared_to_the_others()
    {
        var cache = new PagedKvCache(10, 16, hostBlocks: 4);
        Assert.True(cache.TryAdmit(0, KvRequests.Of(20), 20));
        Assert.True(cache.TryFork(0, 1));

        Assert.True(cache.TrySwapOut(1));

        Assert.Equal((8, 2), (cache.FreeBlocks, cache.HostFreeBlocks));
        Assert.Equal(1, cache.References(cache.BlockTable(0)[0]));
        Assert.True(cache.TrySwapIn(1, 20));
        Assert.Equal(6, cache.FreeBlocks);
        cache.Audit();
    }

    [Theory]
    [InlineData(0, 16, 0)]
    [InlineData(1, 0, 0)]
    [InlineData(1, 16, -1)]
    public void A_cache_needs_a_block_and_a_block_needs_a_token(int blocks, int blockTokens, int hostBlocks) =>
        Assert.Throws<InvariantException>(() => new PagedKvCache(blocks, blockTokens, hostBlocks));
}
