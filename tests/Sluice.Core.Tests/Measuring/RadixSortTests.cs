namespace Sluice.Core.Tests;

public sealed class RadixSortTests
{
    [Theory]
    [InlineData(0, 40)]
    [InlineData(1, 40)]
    [InlineData(2048, 40)]
    [InlineData(2049, 40)]
    [InlineData(10_000, 8)]
    [InlineData(10_000, 63)]
    [InlineData(50_000, 33)]
    public void Sort_agrees_with_comparing(int count, int bits)
    {
        var rng = new Rng((ulong)count);
        long[] values = [.. Enumerable.Range(0, count).Select(_ => (long)(rng.NextUInt64() >> (64 - bits)))];
        var expected = values.Order().ToArray();

        RadixSort.Sort(values, new long[count]);

        Assert.Equal(expected, values);
    }

    [Fact]
    public void Sort_leaves_equal_values_alone()
    {
        var values = Enumerable.Repeat(7L << 40, 5000).ToArray();

        RadixSort.Sort(values, new long[5000]);

        Assert.All(values, v => Assert.Equal(7L << 40, v));
    }

    [Fact]
    public void Negative_values_are_a_bug() =>
        Assert.Throws<InvariantException>(() => RadixSort.Sort(new long[] { 1, -1 }, new long[2]));
}
