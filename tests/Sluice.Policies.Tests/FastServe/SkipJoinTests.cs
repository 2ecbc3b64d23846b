using Sluice.Core;

namespace Sluice.Policies.Tests;

public sealed class SkipJoinTests
{
    [Fact]
    public void A_short_prompt_joins_at_the_top_and_sinks_as_it_is_served()
    {
        var queue = new SkipJoin(quantum: 4, tokensPerStep: 100, levels: 4);

        // A prompt is one unit; the levels have 4, 8, 16 and the rest.
        Assert.Equal([0, 0, 1, 1, 2, 2, 3, 3], new[] { 0, 3, 4, 11, 12, 27, 28, 1000 }.Select(age => queue.LevelOf(50, age)));
    }

    [Fact]
    public void A_long_prompt_skips_the_levels_that_it_would_use_up()
    {
        var queue = new SkipJoin(quantum: 4, tokensPerStep: 100, levels: 4);

        Assert.Equal([0, 1, 2, 3], new[] { 400, 500, 1000, 5000 }.Select(prompt => queue.LevelOf(prompt, 0)));
        Assert.Equal(2, queue.LevelOf(500, 4)); // It joined a level of 8 with 5 of them gone.
    }

    [Fact]
    public void Short_answers_pass_a_long_one_that_nobody_predicted()
    {
        Assert.True(Last("fastserve quantum=4") < Last("vllm-v1"), $"{Last("fastserve quantum=4")} and {Last("vllm-v1")}");

        // Step in which the last short answer ends, behind two long ones that fill the batch.
        static long Last(string line)
        {
            var engine = new TestEngine(Systems.Make(line).Iteration(), new(64, 2));
            engine.Submit(0, 10, 300);
            engine.Submit(1, 10, 300);
            for (var i = 2; i < 10; i++) engine.Submit(i, 10, 3);
            engine.Run();
            return engine.Events.Of(EventKind.Finished).Where(e => e.Request.Value >= 2).Max(e => e.At.Ticks);
        }
    }

    [Fact]
    public void A_starved_one_goes_first()
    {
        Assert.True(LongEnds("fastserve quantum=2 starved-after=20") < LongEnds("fastserve quantum=2 starved-after=0"));

        // A long answer beside short ones without end.
        static long LongEnds(string line)
        {
            var engine = new TestEngine(Systems.Make(line).Iteration(), new(64, 1));
            engine.Submit(0, 10, 40);
            for (var i = 1; i < 300; i++)
            {
                engine.Submit(i, 10, 3);
                engine.Run(steps: 2);
            }

            engine.Run();
            return engine.Events.Of(EventKind.Finished).Single(e => e.Request.Value == 0).At.Ticks;
        }
    }
}
