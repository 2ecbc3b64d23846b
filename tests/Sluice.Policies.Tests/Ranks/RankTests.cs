using Sluice.Core;

namespace Sluice.Policies.Tests;

public sealed class RankTests
{
    [Theory]
    [InlineData("trail c=1 length=exponential", "srpt length=exponential")]
    [InlineData("trail c=0 length=exponential", "srpt rank=spjf length=exponential")]
    public void Trails_ends_are_srpt_and_spjf_event_for_event(string trail, string other)
    {
        for (var seed = 1UL; seed <= 10; seed++) Assert.Equal(Events(other, seed), Events(trail, seed));
    }

    [Fact]
    public void With_c_below_one_nobody_with_that_share_out_is_displaced()
    {
        var engine = new TestEngine(Systems.Make("trail c=0.5 length=oracle").Iteration(), new(TokenBudget: 100, SequencesMax: 1));
        engine.Submit(0, promptTokens: 10, outputTokens: 20);
        engine.Run(steps: 11);
        engine.Submit(1, promptTokens: 10, outputTokens: 2);
        engine.Run();

        Assert.Equal([0, 1], engine.Events.Ids(EventKind.Finished));
    }

    [Fact]
    public void Gittins_without_variance_is_what_is_left() => Assert.Equal(70, Gittins.Of(new(100, 0), 30));

    /// <summary>A heavy tail: who has survived long is likely to go on, so that the rank rises with age.</summary>
    [Fact]
    public void Gittins_of_a_heavy_tail_prefers_the_young() =>
        Assert.True(Gittins.Of(new(100, 250_000), 5) < Gittins.Of(new(100, 250_000), 400));

    /// <summary>Little variance: close to the end comes first.</summary>
    [Fact]
    public void Gittins_of_a_narrow_distribution_prefers_the_old() =>
        Assert.True(Gittins.Of(new(100, 25), 90) < Gittins.Of(new(100, 25), 10));

    [Fact]
    public void A_bounced_rank_falls_to_nothing_and_climbs_back_to_the_prediction()
    {
        var ranks = new BouncingRank().At(predicted: 10, ages: [0, 5, 10, 15, 20, 40]);

        Assert.Equal([10, 5, 0, 5, 10, 10], ranks);
    }

    [Fact]
    public void A_passed_over_request_goes_first_in_the_end()
    {
        var without = LongestWait("ltr-rank length=oracle");
        var with = LongestWait("ltr-rank length=oracle starved-after=50 quantum=10");

        Assert.True(with < without / 3, $"{with} steps against {without}");
        Assert.InRange(with, 50, 110); // The threshold, a prompt, and whoever was promoted before.
    }

    [Fact]
    public void No_step_moves_out_and_in()
    {
        var engine = new TestEngine(
            Systems.Make("ltr-rank length=oracle").Iteration(), new(64, 8), new CountingKvCache(24, 16, hostBlocks: 100));
        var rng = new Rng(2);
        for (var i = 0; i < 200; i++)
        {
            engine.Submit(i, 1 + rng.Next(80), 1 + rng.Next(80));
            engine.Run(rng.Next(4));
        }

        engine.Run();

        var outs = engine.Events.Of(EventKind.SwappedOut).Select(e => e.At).ToHashSet();
        Assert.NotEmpty(outs);
        Assert.DoesNotContain(engine.Events.Of(EventKind.SwappedIn), e => outs.Contains(e.At));
        Assert.Equal(200, engine.Events.Of(EventKind.Finished).Length);
    }

    /// <summary>One sequence is in host memory and becomes first; for its blocks the only decode has to go.</summary>
    [Fact]
    public void Whoever_comes_back_for_the_only_decode_comes_at_once()
    {
        for (var blocks = 4; blocks <= 7; blocks++)
        {
            for (var after = 1; after <= 8; after++)
            {
                var engine = new TestEngine(
                    Systems.Make($"ltr-rank length=oracle starved-after={after} quantum=3").Iteration(), new(TokenBudget: 64, SequencesMax: 8),
                    new CountingKvCache(blocks, 16, hostBlocks: 2 * blocks));
                for (var i = 0; i < 4; i++) engine.Submit(i, 10 + i, 40 + i);
                engine.Run();

                Assert.Equal(4, engine.Events.Ids(EventKind.Finished).Length);
            }
        }
    }

    /// <summary>Steps between two tokens of one long answer, beside short ones without end.</summary>
    private static int LongestWait(string line)
    {
        var engine = new TestEngine(Systems.Make(line).Iteration(), new(64, 2));
        engine.Submit(0, 10, 40);
        for (var i = 1; i < 120; i++)
        {
            engine.Submit(i, 4, 8);
            engine.Submit(1000 + i, 4, 8);
            engine.Run(steps: 8);
        }

        engine.Run();
        var events = engine.Events.Events.Where(e => e.Request.Value == 0).ToArray();
        var first = events.First(e => e.Kind is EventKind.FirstToken).At;
        return (int)(first.Ticks / TimeSpan.TicksPerMillisecond);
    }

    private static SluiceEvent[] Events(string line, ulong seed)
    {
        var engine = new TestEngine(Systems.Make(line).Iteration(), new(64, 4), new CountingKvCache(60, 16));
        var rng = new Rng(seed);
        for (var i = 0; i < 60; i++)
        {
            var output = 1 + rng.Next(60);
            engine.Submit(i, 1 + rng.Next(60), output, predicted: output * -Math.Log(1 - rng.NextDouble()));
            engine.Run(rng.Next(12));
        }

        engine.Run();
        return [.. engine.Events.Events];
    }

    /// <summary>The rank of a sequence while it grows, as an engine shows it.</summary>
    private sealed class BouncingRank : IRank
    {
        private readonly BouncingRemaining _inner = new();
        private readonly Dictionary<int, double> _seen = [];

        public bool IsStable => false;

        public double Of(in RankView view) => _seen[view.Age] = _inner.Of(in view);

        public double[] At(double predicted, int[] ages)
        {
            var engine = new TestEngine(new Ranked(this));
            engine.Submit(0, 1, 60, predicted: predicted);
            engine.Run();
            return [.. ages.Select(a => _seen[a])];
        }
    }
}
