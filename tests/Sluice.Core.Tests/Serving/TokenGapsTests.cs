namespace Sluice.Core.Tests;

/// <summary>Gaps counted in sums against gaps written down token by token.</summary>
public sealed class TokenGapsTests
{
    private const long Millisecond = 1_000_000_000_000; // in fs

    [Theory]
    [InlineData(1UL)]
    [InlineData(2UL)]
    [InlineData(3UL)]
    public void Agrees_with_every_token_written_down(ulong seed)
    {
        var rng = new Rng(seed);
        var gaps = new TokenGaps();
        var oracle = new LogHistogram();
        var members = new List<(EngineTime Joined, EngineTime Last, long JoinedAt)>();
        var now = EngineTime.At(default);
        var clock = 0L;
        for (var i = 0; i < 2000; i++)
        {
            now = now.Plus(rng.Next(5) * Millisecond);
            for (var left = members.Count < 20 ? rng.Next(3) : 0; left > 0; left--)
            {
                gaps.Join(now);
                members.Add((now, now, clock));
            }

            while (members.Count > 0 && rng.Next(4) == 0)
            {
                var at = rng.Next(members.Count);
                var (joined, last, joinedAt) = members[at];
                Assert.Equal(last, gaps.Leave(joinedAt == clock, joined));
                members.RemoveAt(at);
            }

            if (members.Count == 0) continue;
            Run(steps: 1 + rng.Next(rng.Next(4) == 0 ? 800 : 3), first: (1 + rng.Next(30)) * Millisecond, increment: rng.Next(3) * 123_456_789L);
        }

        Assert.Equal(oracle.Count, gaps.Milliseconds.Count);
        Assert.Equal((oracle.Min, oracle.Max), (gaps.Milliseconds.Min, gaps.Milliseconds.Max));
        Assert.Equal(1, gaps.Milliseconds.Sum / oracle.Sum, 1e-9);
        for (var q = 0; q <= 100; q++) Assert.Equal(oracle.Quantile(q / 100.0), gaps.Milliseconds.Quantile(q / 100.0));

        void Run(int steps, long first, long increment)
        {
            var firstEnd = now.Plus(first);
            for (var step = 0; step < steps; step++)
            {
                now = now.Plus(first + increment * step);
                for (var m = 0; m < members.Count; m++)
                {
                    oracle.Add(now.Since(members[m].Last) / 1e12);
                    members[m] = members[m] with { Last = now };
                }
            }

            gaps.Advance(firstEnd, now, steps, first + increment, increment);
            clock += steps;
        }
    }
}
