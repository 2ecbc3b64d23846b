namespace Sluice.Core;

/// <summary>Where KV memory goes at one instant, in tokens.</summary>
/// <param name="LiveTokens">Tokens whose KV is really there; one that several sequences share counts once.</param>
/// <param name="LargestHoleTokens">The longest piece that one sequence could take; with paging, all that is free.</param>
/// <remarks>The split of PagedAttention (SOSP 2023), figure 2: live, taken but empty, free but out of reach. Who holds the
/// sequences knows how many tokens are live; a cache knows the rest.</remarks>
public readonly record struct KvUsage(long TotalTokens, long TakenTokens, long LiveTokens, long LargestHoleTokens)
{
    /// <summary>Share of memory that holds real tokens, 0 to 1.</summary>
    public double LiveShare => (double)LiveTokens / TotalTokens;

    /// <summary>Internal waste: taken and holding nothing, now or ever.</summary>
    public long EmptyTokens => TakenTokens - LiveTokens;

    /// <summary>External waste: free, but outside the longest hole.</summary>
    public long ScatteredTokens => TotalTokens - TakenTokens - LargestHoleTokens;
}

public static class KvUsageExtensions
{
    /// <summary>Blocks that sequences hold or the decoding set took ahead.</summary>
    public static int TakenBlocks(this IKvCache cache) => cache.TotalBlocks - cache.FreeBlocks;

    /// <param name="cache">The cache.</param>
    /// <param name="liveTokens">See <see cref="KvUsage.LiveTokens"/>.</param>
    public static KvUsage Usage(this IKvCache cache, long liveTokens)
    {
        var free = (long)cache.FreeBlocks * cache.BlockTokens;
        var total = (long)cache.TotalBlocks * cache.BlockTokens;
        return new(total, total - free, liveTokens, cache is ReservingKvCache r ? r.LargestHoleTokens : free);
    }
}
