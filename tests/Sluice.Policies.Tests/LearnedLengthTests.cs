using Sluice.Core;

namespace Sluice.Policies.Tests;

/// <summary>An engine of some places, all taken from the beginning, 20 ms per token: what is learned from the answers that end
/// first.</summary>
public sealed class LearnedLengthTests
{
    private const int Places = 200;
    private const int Cap = 2048;

    private static readonly Request s_request = QlmRun.Request(0, cap: Cap);

    // Early answers are short: the mean of those that ended would be half of the truth at first.
    [Theory]
    [InlineData(150, 0.2)]
    [InlineData(1_000, 0.1)]
    [InlineData(5_000, 0.05)]
    public void The_mean_is_about_right_while_long_answers_still_run(int ended, double tolerance)
    {
        var errors = Enumerable.Range(1, 10).Select(seed => Learn(new Rng((ulong)seed), Exponential, ended).Mean / 300 - 1).ToArray();

        Assert.InRange(errors.Average(), -tolerance / 2, tolerance / 2);
        Assert.All(errors, e => Assert.InRange(e, -tolerance, tolerance));
    }

    [Fact]
    public void The_spread_is_learned_too()
    {
        var estimate = Learn(new Rng(5), Exponential, 5_000);

        Assert.InRange(Math.Sqrt(estimate.Variance) / 300, 0.85, 1.15);
    }

    [Fact]
    public void Equal_answers_are_known_when_twice_as_many_ended_as_run()
    {
        var estimate = Learn(new Rng(1), static (ref Rng _) => 100, ended: 400, spread: 100);

        Assert.Equal(100, estimate.Mean, tolerance: 5);
        Assert.InRange(Math.Sqrt(estimate.Variance), 0, 30);
    }

    [Fact]
    public void Nothing_is_left_of_requests_that_were_evicted_and_lost()
    {
        var learned = new LearnedLength();
        for (var i = 0; i < 20; i++)
        {
            learned.OnProducing(s_request with { Id = new(i) }, 1, Instant.FromSeconds(0));
            learned.OnStopped(s_request with { Id = new(i) }, 30, Instant.FromSeconds(1));
        }

        Assert.Equal(Cap / 2, learned.Predict(s_request).Mean); // None ended.
        for (var i = 0; i < 20; i++) End(learned, i, 50, 1);
        Assert.Equal(50, learned.Predict(s_request).Mean, tolerance: 0.5);
    }

    private delegate int Draw(ref Rng rng);

    private static int Exponential(ref Rng rng) => (int)Math.Clamp(Math.Round(-301 * Math.Log(1 - rng.NextDouble())), 1, Cap);

    /// <param name="spread">Tokens over which the beginnings of the first requests are spread.</param>
    private static TokenEstimate Learn(Rng rng, Draw draw, int ended, int spread = 0)
    {
        var learned = new LearnedLength();
        var ends = new PriorityQueue<(int Id, int Tokens, long Ticks), long>();
        for (var i = 0; i < Places; i++) Begin(i, i * spread * 200_000L / Places);
        for (var i = 0; i < ended; i++)
        {
            var (id, tokens, at) = ends.Dequeue();
            End(learned, id, tokens, at / 1e7);
            Begin(Places + i, at);
        }

        return learned.Predict(s_request with { Arrival = new(ends.Peek().Ticks) });

        void Begin(int id, long at)
        {
            var tokens = draw(ref rng);
            learned.OnProducing(s_request with { Id = new(id) }, 1, new(at));
            ends.Enqueue((id, tokens, at + tokens * 200_000L), at + tokens * 200_000L);
        }
    }

    private static void End(LearnedLength learned, int id, int tokens, double seconds)
    {
        var request = s_request with { Id = new(id) };
        if (seconds == 1) learned.OnProducing(request, 1, Instant.FromSeconds(0));
        learned.Observe(request, tokens);
        learned.OnStopped(request, tokens, Instant.FromSeconds(seconds));
    }
}
