using Sluice.Core;
using Sluice.Simulation;

namespace Sluice.Policies.Tests;

public sealed class JitServeTests
{
    private static readonly StepCoefficients s_coefficients = new() { A = 10, B = 0.08, C = 0.5, D = 1e-4 };

    /// <summary>A chat at 10 tokens/s, and a job that needs more than its share of a batch of one to be in time.</summary>
    [Theory]
    [InlineData("jitserve interval=1 length=oracle just-in-time=yes", true)]
    [InlineData("vllm-v1", false)]
    public void A_chat_gets_no_more_than_its_pace_while_a_job_needs_the_engine(string line, bool isMet)
    {
        var engine = new TestEngine(Systems.Make(line).Iteration(), new(256, 1), stepTime: new ClosedFormStepTime(A.Profile(s_coefficients)));
        engine.Submit(A.Request(0, 10, slo: Due(first: 0.5, pace: 0.1)), 60);
        engine.Submit(A.Request(1, 10, slo: Due(end: 1.7)), 120);
        engine.Run();

        var job = engine.Events.Of(EventKind.Finished).Single(e => e.Request.Value == 1).At.Seconds;
        var chat = engine.Events.Of(EventKind.Finished).Single(e => e.Request.Value == 0).At.Seconds;
        Assert.Equal(isMet, job <= 1.7 && chat <= 0.5 + 0.1 * 59);
    }

    [Fact]
    public void The_window_is_the_best_of_all_windows()
    {
        var rng = new Rng(4);
        for (var round = 0; round < 300; round++)
        {
            double[] densities = [.. Enumerable.Range(0, 1 + rng.Next(60)).Select(_ => (double)rng.Next(1000))];
            var size = 1 + rng.Next(20);
            var at = LengthWindow.Best(densities, size);
            var best = Enumerable.Range(0, Math.Max(1, densities.Length - size + 1)).Max(b => densities.Skip(b).Take(size).Sum());
            Assert.Equal(best, densities.Skip(at).Take(size).Sum(), 1e-9);
        }
    }

    /// <summary>Steps of windows of like lengths differ less in duration than steps of the densest.</summary>
    [Fact]
    public void Like_lengths_make_like_steps()
    {
        var rng = new Rng(9);
        var (windows, tops) = (new List<double>(), new List<double>());
        for (var round = 0; round < 400; round++)
        {
            (double Length, double Density)[] all = [.. Enumerable.Range(0, 64).Select(_ => (50 + 4000 * Math.Pow(rng.NextDouble(), 3), rng.NextDouble()))];
            var byLength = all.OrderBy(a => a.Length).ToArray();
            var at = LengthWindow.Best([.. byLength.Select(a => a.Density)], 16);
            windows.Add(Spread(byLength.Skip(at).Take(16).Select(a => a.Length)));
            tops.Add(Spread(all.OrderByDescending(a => a.Density).Take(16).Select(a => a.Length)));
        }

        Assert.True(windows.Average() < 0.7 * tops.Average(), $"{windows.Average()} against {tops.Average()}");
    }

    [Fact]
    public void Late_work_is_worth_nothing_beside_work_that_can_be_in_time()
    {
        var values = new ValueDensity(penalty: 100);
        var late = values.Of(1000, 0, 500, served: 20, pace: 0.02, double.PositiveInfinity, end: 10);
        var feasible = values.Of(10, 0, 500, served: 0, pace: 0.02, double.PositiveInfinity, end: 60);

        Assert.True(late.Value / late.Remaining < 1e-3 * feasible.Value / feasible.Remaining);
        Assert.True(late.Value > 0);
    }

    [Fact]
    public void A_late_request_does_not_displace_one_in_time()
    {
        var engine = new TestEngine(
            Systems.Make("jitserve interval=1 length=oracle").Iteration(), new(256, 1), stepTime: new ClosedFormStepTime(A.Profile(s_coefficients)));
        engine.Submit(A.Request(0, 10, slo: Due(end: 5)), 100);
        engine.Run(steps: 5);
        engine.Submit(A.Request(1, 10, slo: Due(end: 0.01)), 20);
        engine.Run();

        Assert.Equal([0, 1], engine.Events.Ids(EventKind.Finished));
    }

    [Fact]
    public void Not_more_than_so_many_are_displaced_in_a_step()
    {
        var before = 0;
        var most = 0;
        var engine = new TestEngine(
            Systems.Make("jitserve interval=3 swaps-max=2 length=oracle").Iteration(), new(256, 8),
            new CountingKvCache(1000, 16, hostBlocks: 1000), new ClosedFormStepTime(A.Profile(s_coefficients)))
        {
            Before = step => before = step.Paused,
            After = step => most = Math.Max(most, step.Paused - before),
        };
        var rng = new Rng(3);
        for (var i = 0; i < 150; i++)
        {
            engine.Submit(A.Request(i, 1 + rng.Next(200), slo: i % 2 == 0 ? Due(end: 1 + rng.Next(9)) : Due(first: 1, pace: 0.1)), 1 + rng.Next(200));
            engine.Run(rng.Next(6));
        }

        engine.Run();
        Assert.InRange(most, 1, 2);
        Assert.Equal(150, engine.Events.Of(EventKind.Finished).Length);
    }

    [Fact]
    public void Shares_of_a_programs_time_rise_to_one_and_become_those_of_its_like()
    {
        var patterns = new ProgramPatterns();
        var rng = new Rng(5);
        for (var i = 0; i < 50; i++)
        {
            patterns.Learn([Stage(100, 50, 1, 2, ref rng), Stage(300, 200, 3, 5, ref rng), Stage(700, 100, 1, 3, ref rng)]);
            patterns.Learn([Stage(5000, 20, 1, 9, ref rng), Stage(100, 20, 1, 1, ref rng)]);
        }

        StagePattern[] seen = [new(105, 0, 0, 0), new(300, 0, 0, 0), new(700, 0, 0, 0)];
        double[] shares = [.. Enumerable.Range(0, 3).Select(s => patterns.ShareUpTo(seen[..(s + 1)], s)!.Value.Share)];

        Assert.Equal(shares.Order(), shares);
        Assert.Equal(1, shares[2], 1e-9);
        Assert.InRange(shares[0], 0.18, 0.22);
        Assert.InRange(shares[1], 0.63, 0.77);
        Assert.Equal(3, patterns.ShareUpTo(seen[..1], 0)!.Value.Stages);
        Assert.Null(patterns.ShareUpTo(seen, 5));
        Assert.InRange(patterns.Count, 2, 20);
    }

    [Fact]
    public void A_program_that_falls_behind_gets_more_members_into_the_window()
    {
        // The one place of each step but two goes to short chats, unless the program's deadline asks for it.
        int Members(double deadline)
        {
            var engine = new TestEngine(
                Systems.Make("jitserve interval=1 length=oracle penalty=1").Iteration(), new(256, 4),
                stepTime: new ClosedFormStepTime(A.Profile(s_coefficients)));
            for (var i = 0; i < 8; i++) engine.Submit(A.Request(i, 10, slo: Due(first: 1, pace: 0.1)), 20);
            for (var i = 8; i < 12; i++) engine.Submit(A.Request(i, 10, slo: Due(end: deadline)) with { Program = 7 }, 22);
            engine.Run(steps: 3);
            return engine.Events.Ids(EventKind.Started).Count(id => id >= 8);
        }

        Assert.True(Members(deadline: 0.5) >= Members(deadline: 1000));
    }

    [Fact]
    public void A_bound_grows_with_what_is_out()
    {
        var lengths = new HistogramLength();
        var request = A.Request(0, maxOutputTokens: 10_000);
        Assert.Equal(1024, lengths.Quantile(request, lengths.Predict(request), 0.95, 0));
        for (var i = 1; i <= 1000; i++) lengths.Observe(request, i);

        var predicted = lengths.Predict(request);
        Assert.InRange(predicted.Mean, 495, 506);
        Assert.InRange(lengths.Quantile(request, predicted, 0.95, 0), 880, 1020);
        Assert.InRange(lengths.Quantile(request, predicted, 0.5, 800), 840, 960);
        Assert.Equal(3000, lengths.Quantile(request, predicted, 0.95, 2000));
    }

    private static StagePattern Stage(double input, double output, int calls, double seconds, ref Rng rng) =>
        new(input * Near(ref rng), output * Near(ref rng), calls, seconds * Near(ref rng));

    private static double Near(ref Rng rng) => 0.95 + 0.1 * rng.NextDouble();

    private static double Spread(IEnumerable<double> values)
    {
        double[] all = [.. values];
        var mean = all.Average();
        return all.Average(v => (v - mean) * (v - mean));
    }

    private static Slo Due(double first = -1, double pace = -1, double end = -1) => new(Span(first), Span(pace), Span(end));

    private static TimeSpan Span(double seconds) => seconds < 0 ? TimeSpan.MaxValue : TimeSpan.FromSeconds(seconds);
}
