namespace Sluice.Core.Tests;

/// <summary>The closed forms over sets of decodes against the same thing done token by token.</summary>
public sealed class DecodeSetTests
{
    private sealed class Fixture
    {
        private readonly SequenceTable _table = new();
        private readonly Dictionary<int, int> _computed = [];

        public Fixture(int blocks, int blockTokens = 16)
        {
            Cache = new CountingKvCache(blocks, blockTokens);
            Set = new DecodeSet(_table, Cache);
        }

        public CountingKvCache Cache { get; }
        public DecodeSet Set { get; }

        /// <summary>By slot.</summary>
        public IReadOnlyDictionary<int, int> Computed => _computed;

        public int Join(int prompt, int limit)
        {
            var slot = _table.Allocate();
            ref var s = ref _table[slot];
            s.Request = A.Request(slot, prompt);
            (s.Computed, s.Output, s.OutputLimit) = (prompt, 1, limit);
            Assert.True(Cache.TryAdmit(slot, s.Request, prompt));
            Set.Join(slot);
            _computed[slot] = prompt;
            return slot;
        }

        public void Leave(int slot)
        {
            Set.Leave(slot);
            Assert.Equal(_computed[slot], _table[slot].Computed);
            Cache.Release(slot);
            _table.Free(slot);
            _computed.Remove(slot);
        }

        public void Advance(long steps, bool takeNext)
        {
            Set.Advance(steps, takeNext);
            foreach (var slot in _computed.Keys.ToArray()) _computed[slot] += (int)steps;
        }

        public int OutputOf(int slot) => Set.OutputOf(in _table[slot]);

        /// <summary>Blocks that all members need to hold so many more tokens each.</summary>
        public int BlocksFor(long more) => _computed.Values.Sum(c => (int)((c + more + Cache.BlockTokens - 1) / Cache.BlockTokens));
    }

    [Theory]
    [InlineData(1UL, 16)]
    [InlineData(2UL, 16)]
    [InlineData(3UL, 5)]
    [InlineData(4UL, 1)]
    public void Steps_within_blocks_are_as_many_as_fit_one_by_one(ulong seed, int blockTokens)
    {
        var rng = new Rng(seed);
        for (var round = 0; round < 200; round++)
        {
            var fixture = new Fixture(blocks: 400 + rng.Next(200), blockTokens);
            for (var left = 1 + rng.Next(12); left > 0; left--)
            {
                var prompt = 1 + rng.Next(Math.Min(100, 30 * blockTokens));
                if (fixture.Cache.FreeBlocks > prompt / blockTokens + 20) fixture.Join(prompt, 1_000_000);
            }

            if (!fixture.Set.TryTakeBlocks()) continue;
            var most = rng.Next(2000);
            var within = fixture.Set.StepsWithinBlocks(most);

            // The first step's blocks are taken; k steps more need blocks for k + 1 tokens each.
            var expected = Enumerable.Range(0, most + 1).Last(k => fixture.BlocksFor(k + 1) <= fixture.Cache.TotalBlocks);
            Assert.Equal(expected, within);

            fixture.Advance(within + 1, takeNext: false);
            Assert.Equal(fixture.BlocksFor(0), fixture.Cache.TotalBlocks - fixture.Cache.FreeBlocks);
        }
    }

    [Theory]
    [InlineData(1UL)]
    [InlineData(2UL)]
    public void Sums_stay_right_while_members_come_and_go(ulong seed)
    {
        var rng = new Rng(seed);
        var fixture = new Fixture(blocks: 100_000);
        for (var i = 0; i < 3000; i++)
        {
            if (rng.Next(3) == 0 && fixture.Set.Count < 40) fixture.Join(1 + rng.Next(100), 5000 + rng.Next(1000));
            if (rng.Next(4) == 0 && fixture.Set.Count > 0) fixture.Leave(fixture.Computed.Keys.ElementAt(rng.Next(fixture.Set.Count)));
            if (fixture.Set.Count == 0) continue;
            Assert.True(fixture.Set.TryTakeBlocks());
            fixture.Advance(1 + rng.Next(30), takeNext: false);

            Assert.Equal(fixture.Computed.Values.Sum(c => c + 1L), fixture.Set.ContextTokens);
            Assert.Equal(fixture.BlocksFor(0), fixture.Cache.TotalBlocks - fixture.Cache.FreeBlocks);
            foreach (var slot in fixture.Computed.Keys.Where(s => fixture.OutputOf(s) > 4900).ToArray()) fixture.Leave(slot);
        }

        foreach (var slot in fixture.Computed.Keys.ToArray()) fixture.Leave(slot);
        Assert.Equal(fixture.Cache.TotalBlocks, fixture.Cache.FreeBlocks);
        Assert.Equal(0, fixture.Set.ContextTokens);
    }

    [Fact]
    public void Whoever_ends_first_comes_first()
    {
        var fixture = new Fixture(blocks: 100);
        var late = fixture.Join(10, limit: 30);
        var early = fixture.Join(10, limit: 6);

        Assert.Equal(5, fixture.Set.StepsToFirstEnd);
        Assert.Equal(-1, fixture.Set.NextEnded);
        Assert.True(fixture.Set.TryTakeBlocks());
        fixture.Advance(5, takeNext: false);
        Assert.Equal(early, fixture.Set.NextEnded);
        fixture.Leave(early);
        Assert.Equal(24, fixture.Set.StepsToFirstEnd);
        Assert.Equal(6, fixture.OutputOf(late));
    }

    [Fact]
    public void A_member_that_leaves_before_the_step_it_was_prepared_for_takes_its_block_along()
    {
        var fixture = new Fixture(blocks: 10);
        var slot = fixture.Join(16, limit: 30);
        fixture.Join(16, limit: 30);
        Assert.True(fixture.Set.TryTakeBlocks());
        Assert.Equal(6, fixture.Cache.FreeBlocks);

        fixture.Leave(slot);

        Assert.Equal(8, fixture.Cache.FreeBlocks);
    }
}
