namespace Sluice.Core.Tests;

/// <summary>Holds for every KV cache. A subclass says how to make one and what admission takes.</summary>
public abstract class KvCacheContract
{
    private const int TotalTokens = 1024;
    private const int HostTokens = 256;

    /// <summary>A cache of this many tokens; a multiple of 16.</summary>
    protected abstract IKvCache Make(int totalTokens, int hostTokens);

    protected virtual int AdmittedBlocks(Request request, int tokens) => SizeOf(tokens);

    protected virtual int SizeOf(int tokens) => (tokens + 15) / 16;

    private IKvCache Make() => Make(TotalTokens, HostTokens);

    [Fact]
    public void Every_answer_and_every_count_is_that_of_simple_bookkeeping_under_random_operations() =>
        Scripts.ForAll(scripts: 1000, lengthMax: 120, script => new KvOracle(AdmittedBlocks, SizeOf, Make()).Run(script));

    [Fact]
    public void A_new_cache_is_all_free()
    {
        var cache = Make();

        Assert.Equal(TotalTokens, cache.TotalBlocks * cache.BlockTokens);
        Assert.Equal(cache.TotalBlocks, cache.FreeBlocks);
        Assert.Equal(HostTokens, cache.HostFreeBlocks * cache.BlockTokens);
        Assert.Equal(0, cache.CachedTokens(KvRequests.Of(100)));
    }

    [Fact]
    public void A_sequence_that_does_not_fit_changes_nothing_and_fits_after_a_release()
    {
        var cache = Make();
        Assert.True(cache.TryAdmit(0, KvRequests.Of(600, outputTokens: 1), 600));
        var free = cache.FreeBlocks;

        Assert.False(cache.TryAdmit(1, KvRequests.Of(600, outputTokens: 1), 600));

        Assert.Equal(free, cache.FreeBlocks);
        Assert.Throws<InvariantException>(() => cache.Release(1));
        cache.Release(0);
        Assert.True(cache.TryAdmit(1, KvRequests.Of(600, outputTokens: 1), 600));
    }

    [Fact]
    public void A_cache_can_ever_hold_what_fits_when_it_is_empty_and_no_more()
    {
        var cache = Make();
        Assert.True(cache.TryAdmit(0, KvRequests.Of(900, outputTokens: 1), 900));

        Assert.True(cache.CanEverHold(KvRequests.Of(1000, outputTokens: 1), 1000));
        Assert.True(cache.CanEverHold(KvRequests.Of(1023, outputTokens: 1), 1024));
        Assert.False(cache.CanEverHold(KvRequests.Of(1024, outputTokens: 1), 1025));
    }

    [Fact]
    public void Growing_as_a_set_and_settling_takes_what_reserving_one_by_one_takes()
    {
        var (together, oneByOne) = (Make(), Make());
        for (var slot = 0; slot < 4; slot++)
        {
            Assert.True(together.TryAdmit(slot, KvRequests.Of(30 + 5 * slot), 30 + 5 * slot));
            Assert.True(oneByOne.TryAdmit(slot, KvRequests.Of(30 + 5 * slot), 30 + 5 * slot));
        }

        for (var step = 1; step <= 50; step++)
        {
            var crossing = together.GrowsWhileDecoding
                ? Enumerable.Range(0, 4).Count(slot => (30 + 5 * slot + step) % together.BlockTokens == 1) : 0;
            Assert.True(together.TryGrow(crossing));
            for (var slot = 0; slot < 4; slot++) Assert.True(oneByOne.TryReserve(slot, 30 + 5 * slot + step));
            Assert.Equal(oneByOne.FreeBlocks, together.FreeBlocks);
        }

        for (var slot = 3; slot >= 0; slot--) together.Settle(slot, 30 + 5 * slot + 50);
        for (var slot = 0; slot < 4; slot++) together.Release(slot);
        Assert.Equal(together.TotalBlocks, together.FreeBlocks);
    }

    [Fact]
    public void A_sequence_returns_from_host_memory_with_room_for_more()
    {
        var cache = Make();
        Assert.True(cache.TryAdmit(3, KvRequests.Of(100, outputTokens: 28), 100));

        Assert.True(cache.TrySwapOut(3));
        Assert.Equal(cache.TotalBlocks, cache.FreeBlocks);
        Assert.True(cache.HostFreeBlocks * cache.BlockTokens <= HostTokens - 100);

        Assert.True(cache.TrySwapIn(3, 128));
        Assert.Equal(HostTokens, cache.HostFreeBlocks * cache.BlockTokens);
        Assert.Equal(TotalTokens - 128, cache.FreeBlocks * cache.BlockTokens);
        cache.Settle(3, 128);
    }

    [Fact]
    public void Swapping_out_fails_when_host_memory_is_short_and_changes_nothing()
    {
        var cache = Make();
        Assert.True(cache.TryAdmit(0, KvRequests.Of(500, outputTokens: 12), 500));
        var free = cache.FreeBlocks;

        Assert.False(cache.TrySwapOut(0));

        Assert.Equal((free, HostTokens), (cache.FreeBlocks, cache.HostFreeBlocks * cache.BlockTokens));
        Assert.True(cache.TryReserve(0, 500));
    }

    [Fact]
    public void Swapping_in_fails_when_the_device_is_full_and_changes_nothing()
    {
        var cache = Make();
        Assert.True(cache.TryAdmit(0, KvRequests.Of(200, outputTokens: 1), 200));
        Assert.True(cache.TrySwapOut(0));
        Assert.True(cache.TryAdmit(1, KvRequests.Of(1000, outputTokens: 1), 1000));
        var (free, host) = (cache.FreeBlocks, cache.HostFreeBlocks);

        Assert.False(cache.TrySwapIn(0, 200));

        Assert.Equal((free, host), (cache.FreeBlocks, cache.HostFreeBlocks));
        cache.ReleaseSwapped(0);
        Assert.Equal(HostTokens, cache.HostFreeBlocks * cache.BlockTokens);
    }

    [Fact]
    public void A_slot_serves_one_sequence_after_another_and_slots_may_be_sparse()
    {
        var cache = Make();
        foreach (var slot in (int[])[0, 777, 0, 777, 100, 0])
        {
            Assert.True(cache.TryAdmit(slot, KvRequests.Of(900, outputTokens: 1), 10));
            cache.Release(slot);
        }

        Assert.Equal(cache.TotalBlocks, cache.FreeBlocks);
    }

    [Fact]
    public void Misuse_is_an_invariant_violation_and_changes_no_count()
    {
        // Slot 0 is on the device, slot 1 in host memory, slot 2 not in use.
        var cache = Make();
        Assert.True(cache.TryAdmit(0, KvRequests.Of(20, outputTokens: 1), 20));
        Assert.True(cache.TryAdmit(1, KvRequests.Of(20, outputTokens: 1), 20));
        Assert.True(cache.TrySwapOut(1));
        var (free, host) = (cache.FreeBlocks, cache.HostFreeBlocks);
        var request = KvRequests.Of(20);

        Action[] misuses =
        [
            () => cache.TryAdmit(-1, request, 20), () => cache.TryAdmit(0, request, 20),
            () => cache.TryAdmit(1, request, 20), () => cache.TryAdmit(2, request, 0),
            () => cache.TryReserve(-1, 20), () => cache.TryReserve(1, 20), () => cache.TryReserve(2, 20),
            () => cache.TryReserve(0, 0), () => cache.TryReserve(int.MaxValue, 20),
            () => cache.TryGrow(-1),
            () => cache.Settle(0, 500), () => cache.Settle(1, 20), () => cache.Settle(2, 20), () => cache.Settle(0, 0),
            () => cache.Release(-1), () => cache.Release(1), () => cache.Release(2), () => cache.Release(int.MaxValue),
            () => cache.TrySwapOut(1), () => cache.TrySwapOut(2),
            () => cache.TrySwapIn(0, 20), () => cache.TrySwapIn(2, 20), () => cache.TrySwapIn(1, 0),
            () => cache.ReleaseSwapped(0), () => cache.ReleaseSwapped(2), () => cache.ReleaseSwapped(-1),
        ];

        foreach (var misuse in misuses) Assert.Throws<InvariantException>(misuse);
        Assert.Equal((free, host), (cache.FreeBlocks, cache.HostFreeBlocks));
    }

    [Fact]
    public void No_call_allocates_once_warm()
    {
        var cache = Make(totalTokens: 65536, hostTokens: 4096);
        var request = KvRequests.Of(100, outputTokens: 100);

        for (var i = 0; i < 3; i++) Round();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 50; i++) Round();

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(cache.TotalBlocks, cache.FreeBlocks);

        void Round()
        {
            for (var slot = 0; slot < 200; slot++)
                if (cache.CachedTokens(request) > 0 || !cache.CanEverHold(request, 200) || !cache.TryAdmit(slot, request, 40))
                    throw new InvalidOperationException("the cache is large enough");

            var grown = cache.GrowsWhileDecoding ? (SizeOf(200) - SizeOf(130)) * 200 : 0;
            for (var slot = 0; slot < 200; slot++) cache.TryReserve(slot, 100);
            for (var slot = 0; slot < 200; slot += 20) cache.TrySwapOut(slot);
            for (var slot = 0; slot < 200; slot += 20) cache.TrySwapIn(slot, 110);
            for (var slot = 0; slot < 200; slot++) cache.TryReserve(slot, 130);
            cache.TryGrow(grown);
            for (var slot = 0; slot < 200; slot++) cache.Settle(slot, 200);
            for (var slot = 0; slot < 200; slot += 2) cache.Release(slot); // Every other one, so that holes abound.
            for (var slot = 1; slot < 200; slot += 2)
                if (slot % 20 == 1 && cache.TrySwapOut(slot)) cache.ReleaseSwapped(slot);
                else cache.Release(slot);
        }
    }
}
