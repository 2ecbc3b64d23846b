namespace Sluice.Core.Tests;

public sealed class BlockHashMapTests
{
    [Theory]
    [InlineData(1UL)]
    [InlineData(64UL)]
    [InlineData(1UL << 32)]
    [InlineData(0xF1DE83E19937733DUL)] // Undoes the spreading: every hash has its home at place 0.
    public void Agrees_with_a_dictionary_under_heavy_churn(ulong stride)
    {
        const int Entries = 200;
        var map = new BlockHashMap(Entries);
        var expected = new Dictionary<ulong, int>();
        var rng = new Rng(stride);

        for (var i = 0; i < 200_000; i++)
        {
            var hash = (ulong)rng.Next(400) * stride;
            if (expected.Remove(hash)) map.Remove(hash);
            else if (expected.Count < Entries && expected.TryAdd(hash, i)) map.Add(hash, i);

            var probe = (ulong)rng.Next(400) * stride;
            Assert.Equal(expected.GetValueOrDefault(probe, -1), map.Find(probe));
            Assert.Equal(expected.Count, map.Count);
        }

        for (var key = 0UL; key < 400; key++)
            Assert.Equal(expected.GetValueOrDefault(key * stride, -1), map.Find(key * stride));
    }

    [Fact]
    public void Adding_twice_removing_what_is_not_there_and_overfilling_are_bugs()
    {
        var map = new BlockHashMap(2);
        map.Add(0, 7);

        Assert.Throws<InvariantException>(() => map.Add(0, 8));
        Assert.Throws<InvariantException>(() => map.Remove(1));
        map.Add(1, 8);
        Assert.Throws<InvariantException>(() => map.Add(2, 9));
    }
}
