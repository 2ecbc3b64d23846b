namespace Sluice.Core.Tests;

public sealed class RngTests
{
    /// <summary>The reference implementation's first numbers (Vigna, splitmix64.c).</summary>
    [Fact]
    public void Gives_the_numbers_of_SplitMix64()
    {
        var zero = new Rng(0);
        Assert.Equal(0xE220A8397B1DCDAFUL, zero.NextUInt64());
        Assert.Equal(0x6E789E6AA1B965F4UL, zero.NextUInt64());
        Assert.Equal(0x06C45D188009454FUL, zero.NextUInt64());

        var other = new Rng(1234567);
        Assert.Equal(6457827717110365317UL, other.NextUInt64());
        Assert.Equal(3203168211198807973UL, other.NextUInt64());
    }

    [Fact]
    public void A_fork_depends_on_its_name_and_not_on_other_forks()
    {
        var parent = new Rng(42);
        var first = parent.Fork("arrivals");
        var noise = parent.Fork("lengths");
        noise.NextUInt64();

        Assert.Equal(first.NextUInt64(), parent.Fork("arrivals").NextUInt64());
        Assert.NotEqual(parent.Fork("arrivals").NextUInt64(), parent.Fork("lengths").NextUInt64());
        Assert.NotEqual(new Rng(42).Fork("arrivals").NextUInt64(), new Rng(43).Fork("arrivals").NextUInt64());
    }

    [Fact]
    public void Forks_are_uncorrelated()
    {
        var same = 0;
        for (var seed = 0UL; seed < 2000; seed++)
        {
            var (a, b) = (new Rng(seed).Fork("a"), new Rng(seed).Fork("b"));
            same += (a.NextUInt64() ^ b.NextUInt64()) >> 63 == 0 ? 1 : 0;
        }

        Assert.InRange(same, 900, 1100);
    }

    [Fact]
    public void Numbers_keep_to_their_range_and_fill_it()
    {
        var rng = new Rng(7);
        var seen = new int[10];
        for (var i = 0; i < 10_000; i++)
        {
            seen[rng.Next(10)]++;
            Assert.InRange(rng.NextDouble(), 0, 1 - 1e-16);
        }

        Assert.All(seen, count => Assert.InRange(count, 850, 1150));
        Assert.Throws<InvariantException>(() => rng.Next(0));
    }
}
