namespace Sluice.Core.Tests;

public sealed class IndexedHeapTests
{
    [Theory]
    [InlineData(1UL)]
    [InlineData(2UL)]
    public void Agrees_with_a_sorted_list(ulong seed)
    {
        var rng = new Rng(seed);
        var heap = new IndexedHeap();
        var oracle = new Dictionary<int, (long Key, long Tie)>();
        for (var i = 0; i < 20_000; i++)
        {
            var item = rng.Next(200);
            switch (rng.Next(5))
            {
                case < 3:
                    var key = (rng.Next(30), (long)item); // Equal keys, never equal ties.
                    heap.Set(item, key.Item1, key.Item2);
                    oracle[item] = key;
                    break;
                case 3 when oracle.Remove(item):
                    heap.Remove(item);
                    break;
                case 4 when oracle.Count > 0:
                    var first = oracle.MinBy(o => o.Value).Key;
                    Assert.Equal(first, heap.RemoveMin());
                    oracle.Remove(first);
                    break;
            }

            Assert.Equal(oracle.ContainsKey(item), heap.Contains(item));
            Assert.Equal(oracle.Count, heap.Count);
            Assert.Equal(oracle.Count == 0 ? long.MaxValue : oracle.Min(o => o.Value.Key), heap.MinKey);
            if (oracle.Count > 0) Assert.Equal(oracle.MinBy(o => o.Value).Key, heap.MinItem);
        }

        Assert.Equal(oracle.Keys.Order(), Enumerable.Range(0, heap.Count).Select(heap.ItemAt).Order());
    }

    [Fact]
    public void An_item_that_is_not_there_cannot_be_removed()
    {
        Assert.Throws<InvariantException>(() => new IndexedHeap().Remove(0));
    }
}
