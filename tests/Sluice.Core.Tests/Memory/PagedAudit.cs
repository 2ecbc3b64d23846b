namespace Sluice.Core.Tests;

internal static class PagedAudit
{
    /// <summary>Recounts everything a paged cache holds from its block tables alone.</summary>
    public static void Audit(this PagedKvCache cache)
    {
        var references = new int[cache.TotalBlocks];
        var hostReferences = new int[cache.HostBlocks];
        for (var slot = 0; slot < cache.Sequences.Slots; slot++)
        {
            var place = cache.Sequences.PlaceOf(slot);
            if (place == SequencePlace.Live) CountOnce(cache.BlockTable(slot), references);
            if (place == SequencePlace.Swapped) CountOnce(cache.HostBlockTable(slot), hostReferences);
        }

        CountOnce(cache.Grown, references);
        for (var block = 0; block < references.Length; block++)
            Assert.Equal(references[block], cache.References(block));

        // Free is exactly what nobody refers to, each block once.
        var free = new HashSet<int>();
        for (var block = cache.Pool.NextFree(-1); block >= 0; block = cache.Pool.NextFree(block))
        {
            Assert.True(free.Add(block));
            Assert.Equal(0, references[block]);
        }

        Assert.Equal(cache.FreeBlocks, free.Count);
        Assert.Equal(references.Count(r => r == 0), free.Count);

        // Host blocks have one owner, which may be the free list.
        CountOnce(cache.HostFree, hostReferences);
        Assert.DoesNotContain(hostReferences, r => r != 1);

        // Names and blocks point at each other.
        var named = 0;
        for (var block = 0; block < references.Length; block++)
            if (cache.Pool.NameOf(block) is { } hash)
            {
                Assert.Equal(block, cache.Pool.Find(hash));
                named++;
            }

        Assert.Equal(cache.CachedBlocks, named);
    }

    private static void CountOnce(ReadOnlySpan<int> blocks, int[] references)
    {
        foreach (var block in blocks) references[block]++;
        Assert.Equal(blocks.Length, blocks.ToArray().Distinct().Count());
    }
}
