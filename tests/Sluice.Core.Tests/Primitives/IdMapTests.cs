namespace Sluice.Core.Tests;

public sealed class IdMapTests
{
    /// <summary>Ids near each other, ids that share a home, and ids far apart, coming and going.</summary>
    [Theory]
    [InlineData(1UL, 40)]
    [InlineData(2UL, 500)]
    [InlineData(3UL, 100_000)]
    public void Agrees_with_a_dictionary(ulong seed, int span)
    {
        var rng = new Rng(seed);
        var map = new IdMap(4);
        var oracle = new Dictionary<long, int>();
        for (var i = 0; i < 60_000; i++)
        {
            var id = rng.Next(span) + (long)rng.Next(4) * (1L << 33);
            switch (rng.Next(3))
            {
                case 0 when !oracle.ContainsKey(id) && oracle.Count < 400:
                    map.Add(new(id), i);
                    oracle.Add(id, i);
                    break;
                case 1:
                    Assert.Equal(oracle.Remove(id, out var expected), map.Remove(new(id), out var removed));
                    if (expected > 0) Assert.Equal(expected, removed);
                    break;
            }

            Assert.Equal(oracle.TryGetValue(id, out var value), map.TryGet(new(id), out var found));
            if (value > 0) Assert.Equal(value, found);
            Assert.Equal(oracle.Count, map.Count);
        }

        foreach (var (id, value) in oracle) Assert.True(map.TryGet(new(id), out var found) && found == value);
    }

    [Fact]
    public void A_long_queue_of_neighbours_leaves_in_any_order()
    {
        const int Count = 300_000;
        var map = new IdMap();
        for (var i = 0; i < Count; i++) map.Add(new(i), i);

        // Linear per removal, this would take minutes.
        for (var i = 0; i < Count; i += 2) Assert.True(map.Remove(new(i), out var value) && value == i);
        for (var i = Count - 1; i > 0; i -= 2) Assert.True(map.Remove(new(i), out var value) && value == i);

        Assert.Equal(0, map.Count);
    }

    [Fact]
    public void An_id_that_is_no_request_is_not_found()
    {
        Assert.False(new IdMap().TryGet(new(-1), out _));
    }

    [Fact]
    public void An_id_is_added_once()
    {
        var map = new IdMap();
        map.Add(new(3), 1);

        Assert.Throws<InvariantException>(() => map.Add(new(3), 2));
    }
}
