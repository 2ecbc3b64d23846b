namespace Sluice.Core.Tests;

public sealed class CountingKvCacheTests : KvCacheContract
{
    protected override IKvCache Make(int totalTokens, int hostTokens) =>
        new CountingKvCache(totalTokens / 16, 16, hostTokens / 16);

    [Fact]
    public void Agrees_with_the_paged_cache_call_for_call() =>
        Scripts.ForAll(scripts: 1000, lengthMax: 200, script => new KvOracle(
            AdmittedBlocks, SizeOf, new CountingKvCache(40, 16, 12), new PagedKvCache(40, 16, 12)).Run(script));

    [Fact]
    public void Blocks_grown_and_not_yet_settled_belong_to_nobody()
    {
        var cache = new CountingKvCache(10, 16);
        Assert.True(cache.TryAdmit(0, KvRequests.Of(16), 16));

        Assert.True(cache.TryGrow(3));
        Assert.Equal((3, 6), (cache.GrownBlocks, cache.FreeBlocks));

        cache.Settle(0, 48);
        Assert.Equal((1, 6), (cache.GrownBlocks, cache.FreeBlocks));
    }

    [Theory]
    [InlineData(0, 16, 0)]
    [InlineData(1, 0, 0)]
    [InlineData(1, 16, -1)]
    public void A_cache_needs_a_block_and_a_block_needs_a_token(int blocks, int blockTokens, int hostBlocks) =>
        Assert.Throws<InvariantException>(() => new CountingKvCache(blocks, blockTokens, hostBlocks));
}
