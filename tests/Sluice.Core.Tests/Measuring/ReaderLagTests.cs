namespace Sluice.Core.Tests;

/// <summary>Lateness from suffix maxima against every token written down, and against a reader who really waits.</summary>
public sealed class ReaderLagTests
{
    private const long Millisecond = 1_000_000_000_000; // in fs
    private static readonly TimeSpan s_pace = TimeSpan.FromMilliseconds(20);

    [Theory]
    [InlineData(1UL)]
    [InlineData(2UL)]
    [InlineData(3UL)]
    public void Agrees_with_every_token_written_down(ulong seed)
    {
        var rng = new Rng(seed);
        var lag = new ReaderLag();
        lag.Listen(new Nobody(), s_pace);
        var members = new List<(Request Request, long Joined, List<EngineTime> Tokens)>();
        var (now, clock, compared) = (EngineTime.At(default), 0L, 0);
        for (var i = 0; i < 3000; i++)
        {
            for (var more = members.Count < 20 ? rng.Next(3) : 0; more > 0; more--)
            {
                var ttft = rng.Next(2) == 0 ? TimeSpan.MaxValue : TimeSpan.FromMilliseconds(rng.Next(500));
                var request = new Request
                {
                    Id = new(i), Arrival = new(now.Ticks - rng.Next(9_000_000)), PromptTokens = 1, MaxOutputTokens = 1,
                    Slo = new(ttft, TimeSpan.MaxValue, TimeSpan.MaxValue),
                };
                members.Add((request, clock, [now]));
            }

            while (members.Count > 0 && rng.Next(4) == 0)
            {
                var at = rng.Next(members.Count);
                var (request, joined, tokens) = members[at];
                var expected = tokens.Index().Skip(1).Select(t => Late(request, t.Index + 1, t.Item)).DefaultIfEmpty(long.MinValue).Max();
                Assert.Equal(expected, lag.Since(joined, request, 1 - joined));
                members.RemoveAt(at);
                compared++;
            }

            if (members.Count == 0) continue;
            var steps = 1 + rng.Next(rng.Next(4) == 0 ? 300 : 3);
            var (time, increment) = ((1 + rng.Next(60)) * Millisecond, rng.Next(3) * 123_456_789_000L);
            var (before, first) = (clock, now.Plus(time));
            for (var step = 0; step < steps; step++)
            {
                now = now.Plus(time + increment * step);
                clock++;
                foreach (var member in members) member.Tokens.Add(now);
            }

            lag.Advance(before, steps, first, now);
            if (rng.Next(10) == 0) lag.ForgetBefore(members.Min(m => m.Joined));
        }

        Assert.True(compared > 300);
    }

    [Theory]
    [InlineData(1UL)]
    [InlineData(2UL)]
    public void Is_how_long_a_reader_idled_who_waits_for_each_token(ulong seed)
    {
        var rng = new Rng(seed);
        for (var answer = 0; answer < 200; answer++)
        {
            var (tokenAt, reads, idled, worst) = (0L, 0L, 0L, long.MinValue);
            for (var i = 1; i <= 50; i++)
            {
                tokenAt += rng.Next(900_000);
                idled += Math.Max(0, tokenAt - reads); // Free for the next token at `reads`.
                reads = Math.Max(tokenAt, reads) + s_pace.Ticks;
                worst = Math.Max(worst, tokenAt - s_pace.Ticks * (i - 1));
            }

            Assert.Equal(idled, Math.Max(0, worst));
        }
    }

    [Fact]
    public void Holding_tokens_back_evens_the_gaps_and_gains_nothing()
    {
        long[] made = [0, 10, 20, 200];
        long[] released = [0, 66, 133, 200];

        Assert.Equal(180, made.Zip(made.Skip(1), (a, b) => b - a).Max());
        Assert.Equal(67, released.Zip(released.Skip(1), (a, b) => b - a).Max());
        Assert.Equal(Worst(made), Worst(released));

        long Worst(long[] at)
        {
            var lag = new ReaderLag();
            lag.Listen(new Nobody(), TimeSpan.FromMilliseconds(50));
            var request = new Request { Id = new(0), Arrival = default, PromptTokens = 1, MaxOutputTokens = 4 };
            return at.Index().Max(t => lag.Of(request, t.Index + 1, EngineTime.At(new(t.Item * TimeSpan.TicksPerMillisecond))));
        }
    }

    private static long Late(Request request, int output, EngineTime at)
    {
        var first = request.Slo.Ttft == TimeSpan.MaxValue ? s_pace : request.Slo.Ttft;
        return at.Ticks - (request.Arrival.Ticks + first.Ticks + s_pace.Ticks * (output - 1));
    }

    private sealed class Nobody : IReaderLagSink
    {
        public void OnLag(RequestId request, long lagTicks)
        {
        }
    }
}
