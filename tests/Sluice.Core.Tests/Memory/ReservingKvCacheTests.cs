namespace Sluice.Core.Tests;

public sealed class FirstFitReservingKvCacheTests : KvCacheContract
{
    protected override IKvCache Make(int totalTokens, int hostTokens) => new ReservingKvCache(
        totalTokens, ReservationRules.ReserveExact(r => r.MaxOutputTokens), ReservationPolicy.FirstFit, hostTokens);

    protected override int AdmittedBlocks(Request request, int tokens) => request.PromptTokens + request.MaxOutputTokens;

    protected override int SizeOf(int tokens) => tokens;
}

public sealed class BuddyReservingKvCacheTests : KvCacheContract
{
    protected override IKvCache Make(int totalTokens, int hostTokens) => new ReservingKvCache(
        totalTokens, ReservationRules.ReserveExact(r => r.MaxOutputTokens), ReservationPolicy.Buddy, hostTokens);

    protected override int AdmittedBlocks(Request request, int tokens) =>
        SizeOf(request.PromptTokens + request.MaxOutputTokens);

    protected override int SizeOf(int tokens) => (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)tokens);
}

public sealed class ReservingKvCacheTests
{
    [Fact]
    public void Admission_fails_when_no_hole_is_long_enough_although_the_total_would_do()
    {
        var cache = new ReservingKvCache(400, ReservationRules.ReserveMaximum(100));
        for (var slot = 0; slot < 4; slot++) Assert.True(cache.TryAdmit(slot, KvRequests.Of(10), 10));
        cache.Release(0);
        cache.Release(2);

        Assert.False(cache.TryAdmit(5, KvRequests.Of(150), 150));

        Assert.Equal((200, 100), (cache.FreeBlocks, cache.LargestHoleTokens));
        Assert.Equal(100, cache.Usage(liveTokens: 20).ScatteredTokens);
        Assert.Equal(180, cache.Usage(liveTokens: 20).EmptyTokens);
        Assert.Equal(0.05, cache.Usage(liveTokens: 20).LiveShare);
    }

    [Fact]
    public void A_range_given_back_melts_into_its_neighbours()
    {
        var cache = new ReservingKvCache(400, ReservationRules.ReserveMaximum(100));
        for (var slot = 0; slot < 4; slot++) Assert.True(cache.TryAdmit(slot, KvRequests.Of(10), 10));

        cache.Release(0);
        cache.Release(2);
        cache.Release(1);

        Assert.Equal(300, cache.LargestHoleTokens);
        Assert.True(cache.TryAdmit(5, KvRequests.Of(300), 300));
    }

    [Fact]
    public void A_buddy_region_rounds_up_to_powers_of_two_and_merges_only_buddies()
    {
        var cache = new ReservingKvCache(256, r => r.PromptTokens, ReservationPolicy.Buddy);
        for (var slot = 0; slot < 4; slot++) Assert.True(cache.TryAdmit(slot, KvRequests.Of(50), 50));
        Assert.Equal((256, 0), (cache.ReservedTokens, cache.LargestHoleTokens));

        cache.Release(1);
        cache.Release(2);
        Assert.Equal((128, 64), (cache.FreeBlocks, cache.LargestHoleTokens));

        cache.Release(0);
        Assert.Equal(128, cache.LargestHoleTokens);
    }

    [Fact]
    public void A_rule_can_read_the_true_output_length()
    {
        var request = KvRequests.Of(promptTokens: 10, outputTokens: 25);

        Assert.Equal(2048, ReservationRules.ReserveMaximum(2048)(request));
        Assert.Equal(42, ReservationRules.ReservePowerOfTwo(r => r.MaxOutputTokens)(request));
        Assert.Equal(35, ReservationRules.ReserveExact(r => r.MaxOutputTokens)(request));
    }

    [Fact]
    public void A_rule_that_falls_short_is_outgrown_by_admission_and_not_by_reserving()
    {
        var cache = new ReservingKvCache(400, r => r.PromptTokens);
        Assert.True(cache.TryAdmit(0, KvRequests.Of(50), 50));

        Assert.False(cache.TryReserve(0, 51));
        Assert.Throws<InvariantException>(() => cache.Settle(0, 51));

        cache.Release(0);
        Assert.True(cache.TryAdmit(0, KvRequests.Of(50), 51));
        Assert.Equal(51, cache.ReservedTokens);
    }

    [Theory]
    [InlineData(ReservationPolicy.FirstFit, 1000)]
    [InlineData(ReservationPolicy.Buddy, 1000)]
    [InlineData(ReservationPolicy.Buddy, 1)]
    [InlineData(ReservationPolicy.Buddy, 1023)]
    public void Ranges_stay_inside_the_region_and_apart_and_free_space_comes_back_whole(
        ReservationPolicy policy, int totalTokens) =>
        Scripts.ForAll(scripts: 300, lengthMax: 150, script =>
        {
            const int Slots = 24;
            var cache = new ReservingKvCache(totalTokens, r => r.PromptTokens, policy);
            var held = new bool[Slots];
            var wholeHole = cache.LargestHoleTokens;
            foreach (var step in script)
            {
                var rng = new Rng((ulong)step);
                var slot = rng.Next(Slots);
                if (held[slot]) cache.Release(slot);
                held[slot] = !held[slot] && cache.TryAdmit(slot, KvRequests.Of(1 + rng.Next(totalTokens / 4 + 1)), 1);

                var owners = new int[totalTokens];
                for (var s = 0; s < Slots; s++)
                    if (held[s])
                        foreach (ref var owner in owners.AsSpan(cache.RangeOf(s).Start, cache.RangeOf(s).Size)) owner++;
                Assert.DoesNotContain(owners, owner => owner > 1);
                Assert.Equal(cache.ReservedTokens, owners.Sum());
                Assert.True(cache.LargestHoleTokens <= cache.FreeBlocks);
            }

            for (var s = 0; s < Slots; s++)
                if (held[s]) cache.Release(s);
            Assert.Equal((totalTokens, wholeHole), (cache.FreeBlocks, cache.LargestHoleTokens));
        });
}
