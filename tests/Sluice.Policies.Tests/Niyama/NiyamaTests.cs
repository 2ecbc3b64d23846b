using Sluice.Core;
using Sluice.Simulation;

namespace Sluice.Policies.Tests;

public sealed class NiyamaTests
{
    private static readonly StepCoefficients s_coefficients =
        new() { A = 14.936, B = 0.0813, C = 0.0952, D = 1.111e-4, E = 1.5e-6, G = 0.0106, N0 = 512 };

    private static readonly (int Prompt, Slo Slo)[] s_three =
    [
        (400, Due(first: 3)), (100, Due(end: 6)), (200, Due(first: 1)),
    ];

    [Theory]
    [InlineData("0", new[] { 2, 0, 1 })] // Earliest deadline first.
    [InlineData("1000", new[] { 1, 2, 0 })] // Shortest work first.
    public void Alpha_goes_from_earliest_deadline_to_shortest_prompt(string alpha, int[] expected)
    {
        var engine = Engine(sequencesMax: 1, $"alpha-low={alpha}", $"alpha-high={alpha}", "relegate=no", "chunk=600");
        for (var i = 0; i < 3; i++) engine.Submit(A.Request(i, s_three[i].Prompt, slo: s_three[i].Slo), 1);

        engine.Run();

        Assert.Equal(expected, engine.Events.Ids(EventKind.Started));
    }

    [Fact]
    public void Who_would_be_late_steps_back_behind_everybody_and_is_served_in_the_end()
    {
        var engine = Engine(sequencesMax: 1);
        engine.Submit(A.Request(0, 5000, slo: Due(first: 0.1)), 3);
        engine.Submit(A.Request(1, 5000, slo: Due(first: 100)), 3);
        engine.Submit(A.Request(2, 5000), 3);

        engine.Run();

        Assert.Equal([0], engine.Events.Ids(EventKind.Relegated));
        Assert.Equal([1, 2, 0], engine.Events.Ids(EventKind.Started));
        Assert.Equal(3, engine.Events.Of(EventKind.Finished).Length);
    }

    [Theory]
    [InlineData("yes", new[] { 1, 0 })]
    [InlineData("no", new[] { 0, 1 })]
    public void Low_importance_steps_back_before_an_important_request_is_late(string hints, int[] expected)
    {
        var engine = Engine(sequencesMax: 1, $"hints={hints}", "alpha-low=0", "alpha-high=0");
        engine.Submit(A.Request(0, 80_000, priority: 1, slo: Due(first: 10)), 1);
        engine.Submit(A.Request(1, 20_000, slo: Due(first: 10.2)), 1);

        engine.Run();

        Assert.Equal(expected, engine.Events.Ids(EventKind.Started));
        Assert.Equal(hints == "yes" ? [0] : [1], engine.Events.Ids(EventKind.Relegated));
    }

    [Fact]
    public void A_prompt_under_way_is_not_overtaken_when_that_would_make_it_late()
    {
        var engine = Engine(sequencesMax: 8, "chunk=1000", "alpha-low=0", "alpha-high=0");
        engine.Submit(A.Request(0, 4000, slo: Due(first: 0.5)), 1); // Needs 470 ms at the rate it begins with.
        engine.Run(steps: 1);
        engine.Submit(A.Request(1, 1000, slo: Due(first: 0.3)), 1);

        engine.Run();

        Assert.Equal([0, 1], engine.Events.Ids(EventKind.Finished));
    }

    [Fact]
    public void A_prompt_under_way_that_can_wait_is_overtaken()
    {
        var engine = Engine(sequencesMax: 8, "chunk=1000", "alpha-low=0", "alpha-high=0");
        engine.Submit(A.Request(0, 4000, slo: Due(first: 5)), 1);
        engine.Run(steps: 1);
        engine.Submit(A.Request(1, 1000, slo: Due(first: 0.5)), 1);

        engine.Run();

        Assert.Equal([1, 0], engine.Events.Ids(EventKind.Finished));
    }

    [Fact]
    public void Steps_are_as_long_as_a_decode_at_50_ms_allows()
    {
        var engine = DecodesAndPrompts(Due(first: 10, pace: 0.05), "anchor=first-token");

        var mixed = engine.Steps.Where(s => s.Decodes > 0 && s.Chunks.Length > 0).ToArray();
        Assert.Equal(256, mixed.Select(s => s.Tokens).Min());
        Assert.InRange(mixed.Average(s => s.Tokens), 250, 512); // What a step leaves of its 50 ms, a later one may use.
    }

    [Fact]
    public void Steps_beside_batch_decodes_are_as_long_as_helps_throughput()
    {
        var engine = DecodesAndPrompts(Due(end: 3600));

        Assert.InRange(engine.Steps.Where(s => s.Decodes > 0 && s.Chunks.Length > 0).Average(s => s.Tokens), 2300, 2552);
    }

    /// <summary>With random decodes at 40 to 200 ms and prompts without end, as long as the decodes alone are in time.</summary>
    [Fact]
    public void No_chunk_makes_a_decode_late_that_is_in_time_without_it()
    {
        for (var seed = 1UL; seed <= 5; seed++)
        {
            var rng = new Rng(seed);
            var late = 0;
            TestEngine engine = null!;
            engine = new TestEngine(
                A.System("niyama", "anchor=first-token").Iteration(), new(2552, 64), stepTime: Model())
            {
                After = step =>
                {
                    var end = step.Now.Ticks + step.StepTime.StepTime(in step.Shape) / EngineTime.FemtosecondsPerTick;
                    for (var s = step.FirstRunning; s >= 0 && step.Shape.PrefillTokens > 0; s = step.NextRunning(s))
                    {
                        ref readonly var sequence = ref step[s];
                        if (sequence.Phase is not SequencePhase.Decoding || sequence.Request.Slo.Tpot == TimeSpan.MaxValue) continue;
                        var due = sequence.FirstTokenAt.Ticks + step.OutputTokens(s) * sequence.Request.Slo.Tpot.Ticks;
                        if (end > due && step.Now.Ticks + step.TimeWith(-step.Shape.PrefillTokens, 0) / EngineTime.FemtosecondsPerTick <= due) late++;
                    }
                },
            };
            for (var i = 0; i < 60; i++)
            {
                engine.Submit(
                    A.Request(i, 1 + rng.Next(3000), slo: i % 3 == 0 ? Due(end: 3600) : Due(first: 30, pace: 0.04 + 0.04 * rng.Next(5))),
                    1 + rng.Next(200));
                engine.Run(rng.Next(10));
            }

            engine.Run();
            Assert.Equal(0, late);
        }
    }

    private static TestEngine DecodesAndPrompts(Slo slo, params string[] settings)
    {
        var engine = Engine(sequencesMax: 64, settings);
        engine.Submit(A.Request(0, 100, slo: slo), 400);
        engine.Run(steps: 1);
        for (var i = 1; i < 10; i++) engine.Submit(A.Request(i, 20_000, slo: Due(end: 3600)), 1);
        engine.Run(steps: 60);
        return engine;
    }

    private static TestEngine Engine(int sequencesMax, params string[] settings) =>
        new(A.System("niyama", settings).Iteration(), new(2552, sequencesMax), stepTime: Model());

    private static ClosedFormStepTime Model() => new(A.Profile(s_coefficients));

    /// <summary>Promises in seconds.</summary>
    private static Slo Due(double first = -1, double pace = -1, double end = -1) => new(Span(first), Span(pace), Span(end));

    private static TimeSpan Span(double seconds) => seconds < 0 ? TimeSpan.MaxValue : TimeSpan.FromSeconds(seconds);
}
