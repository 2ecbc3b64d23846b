namespace Sluice.Core.Tests;

/// <summary>The prefix cache of <see cref="PagedKvCache"/>.</summary>
public sealed class PrefixCacheTests
{
    [Theory]
    [InlineData(0, 0)]
    [InlineData(15, 0)]
    [InlineData(40, 32)]
    [InlineData(100, 96)]
    public void What_a_preempted_step_did_not_compute_is_not_findable(int computed, int hit)
    {
        var cache = Make(20);
        var request = KvRequests.Salted(100);
        Assert.True(cache.TryAdmit(0, request, 100));

        cache.Rewind(0, computed);
        Assert.Equal((computed + 15) / 16, cache.TakenBlocks());
        cache.Release(0);

        Assert.Equal(hit, cache.CachedTokens(request));
        cache.Audit();
    }

    [Fact]
    public void A_rewound_prompt_is_findable_again_once_it_is_reserved_again()
    {
        var cache = Make(20);
        var request = KvRequests.Salted(100);
        Assert.True(cache.TryAdmit(0, request, 100));
        cache.Rewind(0, 0);
        Assert.Equal(20, cache.FreeBlocks);

        Assert.True(cache.TryReserve(0, 100));

        Assert.Equal(96, cache.CachedTokens(request));
        Assert.Throws<InvariantException>(() => cache.Rewind(0, 101));
        Assert.Throws<InvariantException>(() => cache.Rewind(0, -1));
        Assert.Throws<InvariantException>(() => cache.Rewind(1, 0));
    }

    [Theory]
    [InlineData(100, 96)]
    [InlineData(96, 80)] // One token must be left to compute, so the last block is computed again.
    [InlineData(97, 96)]
    [InlineData(16, 0)]
    [InlineData(15, 0)]
    public void A_prompt_sent_again_hits_its_full_blocks_short_of_the_whole_prompt(int prompt, int hit)
    {
        var cache = Make(20);
        var request = KvRequests.Salted(prompt);
        Assert.Equal(0, cache.CachedTokens(request));
        Assert.True(cache.TryAdmit(0, request, prompt));
        cache.Release(0);

        Assert.Equal(hit, cache.CachedTokens(request));
        Assert.Equal(0, cache.CachedTokens(KvRequests.Salted(prompt, salt: 2)));
    }

    [Fact]
    public void Without_the_prefix_cache_nothing_is_ever_cached()
    {
        var cache = new PagedKvCache(20, 16);
        Assert.True(cache.TryAdmit(0, KvRequests.Salted(100), 100));

        Assert.Equal(0, cache.CachedTokens(KvRequests.Salted(100)));
        Assert.Equal(0, cache.CachedBlocks);
    }

    [Fact]
    public void A_hit_shares_blocks_with_a_sequence_that_runs()
    {
        var cache = Make(20);
        var request = KvRequests.Salted(100);
        Assert.True(cache.TryAdmit(0, request, 100));

        Assert.True(cache.TryAdmit(1, request, 100));

        Assert.Equal(7 + 1, cache.TakenBlocks());
        Assert.Equal(cache.BlockTable(0)[..6].ToArray(), cache.BlockTable(1)[..6].ToArray());
        Assert.Equal(2, cache.References(cache.BlockTable(0)[0]));
        Assert.NotEqual(cache.BlockTable(0)[6], cache.BlockTable(1)[6]);
        cache.Audit();
    }

    [Fact]
    public void A_chunked_prompt_is_findable_chunk_by_chunk_and_output_never_is()
    {
        var cache = Make(20);
        var request = KvRequests.Salted(100);
        Assert.True(cache.TryAdmit(0, request, 40));
        Assert.Equal(32, cache.CachedTokens(request));

        Assert.True(cache.TryReserve(0, 70));
        Assert.Equal(64, cache.CachedTokens(request));

        Assert.True(cache.TryReserve(0, 200));
        Assert.Equal(6, cache.CachedBlocks);
    }

    [Fact]
    public void Prompts_that_differ_late_share_what_comes_before()
    {
        var cache = Make(20);
        var request = KvRequests.Salted(100);
        var hashes = request.PromptBlocks.ToArray();
        hashes[4] ^= 1;
        hashes[5] ^= 1;
        Assert.True(cache.TryAdmit(0, request, 100));

        Assert.Equal(64, cache.CachedTokens(request with { PromptBlocks = hashes }));
    }

    [Fact]
    public void Blocks_that_nobody_uses_count_as_free_and_are_reclaimed_least_recently_used_and_tail_first()
    {
        var cache = Make(10);
        var (first, second) = (KvRequests.Salted(65, salt: 1), KvRequests.Salted(65, salt: 2));
        Assert.True(cache.TryAdmit(0, first, 65));
        Assert.True(cache.TryAdmit(1, second, 65));
        cache.Release(0);
        cache.Release(1);
        Assert.Equal((10, 64, 64), (cache.FreeBlocks, cache.CachedTokens(first), cache.CachedTokens(second)));

        // The first block reclaimed is the unnamed fifth of the first request; then its tail.
        int[] left = [64, 48, 32, 16, 0, 0];
        for (var taken = 0; taken < left.Length; taken++)
        {
            Assert.True(cache.TryGrow(1));
            Assert.Equal((left[taken], 64), (cache.CachedTokens(first), cache.CachedTokens(second)));
        }

        Assert.True(cache.TryGrow(1));
        Assert.Equal(48, cache.CachedTokens(second));
        cache.Audit();
    }

    [Fact]
    public void A_hit_makes_its_blocks_the_most_recently_used()
    {
        var cache = Make(10);
        var (first, second) = (KvRequests.Salted(65, salt: 1), KvRequests.Salted(65, salt: 2));
        Assert.True(cache.TryAdmit(0, first, 65));
        Assert.True(cache.TryAdmit(1, second, 65));
        cache.Release(0);
        cache.Release(1);
        Assert.True(cache.TryAdmit(0, first, 65));
        cache.Release(0);

        Assert.True(cache.TryGrow(5));

        Assert.Equal((64, 0), (cache.CachedTokens(first), cache.CachedTokens(second)));
    }

    [Fact]
    public void Hits_on_the_free_list_are_paid_for_and_admission_fails_without_a_change()
    {
        // 5 blocks are in use, 4 cached ones are free, 1 more is free. The prompt hits 4 and needs 2.
        var cache = Make(10);
        var request = KvRequests.Salted(65);
        Assert.True(cache.TryAdmit(0, request, 64));
        cache.Release(0);
        Assert.True(cache.TryAdmit(1, KvRequests.Of(80), 80));
        Assert.Equal((5, 64), (cache.FreeBlocks, cache.CachedTokens(request)));

        Assert.False(cache.TryAdmit(0, request, 81));
        Assert.Equal((5, 64), (cache.FreeBlocks, cache.CachedTokens(request)));
        cache.Audit();

        Assert.True(cache.TryAdmit(0, request, 80));
        Assert.Equal(0, cache.FreeBlocks);
        cache.Audit();
    }

    [Fact]
    public void Cached_blocks_survive_a_swap_and_a_returning_sequence_can_be_found_again()
    {
        var cache = new PagedKvCache(20, 16, hostBlocks: 10, prefixCache: true);
        var request = KvRequests.Salted(100);
        Assert.True(cache.TryAdmit(0, request, 100));

        Assert.True(cache.TrySwapOut(0));
        Assert.Equal(96, cache.CachedTokens(request));

        Assert.True(cache.TryGrow(20)); // Reclaims all of them.
        Assert.Equal(0, cache.CachedTokens(request));
    }

    [Fact]
    public void A_sequence_swapped_in_makes_its_prompt_findable_again()
    {
        var cache = new PagedKvCache(8, 16, hostBlocks: 10, prefixCache: true);
        var request = KvRequests.Salted(100);
        Assert.True(cache.TryAdmit(0, request, 100));
        Assert.True(cache.TrySwapOut(0));
        Assert.True(cache.TryAdmit(1, KvRequests.Of(128), 128));
        cache.Release(1);
        Assert.Equal(0, cache.CachedTokens(request));

        Assert.True(cache.TrySwapIn(0, 101));

        Assert.Equal(96, cache.CachedTokens(request));
    }

    [Fact]
    public void Hashes_of_another_block_size_are_a_bug()
    {
        var cache = Make(20);

        Assert.Throws<InvariantException>(() => cache.CachedTokens(KvRequests.Salted(100, blockTokens: 8)));
    }

    [Fact]
    public void Asking_for_less_than_the_hit_is_a_bug()
    {
        var cache = Make(20);
        var request = KvRequests.Salted(100);
        Assert.True(cache.TryAdmit(0, request, 100));

        Assert.Throws<InvariantException>(() => cache.TryAdmit(1, request, 95));
        Assert.Equal(13, cache.FreeBlocks);
    }

    private static PagedKvCache Make(int blocks) => new(blocks, 16, prefixCache: true);
}
