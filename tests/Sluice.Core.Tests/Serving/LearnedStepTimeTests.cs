namespace Sluice.Core.Tests;

public sealed class LearnedStepTimeTests
{
    /// <summary>12 ms, 0.08 ms per prompt token, 0.03 per decode, 0.0001 per context token, 2e-6 per pair.</summary>
    private static long True(in BatchShape s) => (long)(1e12 * (12 + 0.08 * s.PrefillTokens + 0.03 * s.DecodeSequences
        + 1e-4 * s.ContextTokens + 1e-6 * s.AttentionPairsTwice));

    [Fact]
    public void After_some_hundred_steps_unseen_ones_are_predicted_to_a_percent()
    {
        var learned = new LearnedStepTime();
        var rng = new Rng(1);
        for (var i = 0; i < 500; i++)
        {
            var shape = Random(ref rng);
            learned.Observe(in shape, True(in shape));
        }

        for (var i = 0; i < 100; i++)
        {
            var shape = Random(ref rng);
            Assert.InRange(learned.StepTime(in shape) / (double)True(in shape), 0.99, 1.01);
        }
    }

    [Fact]
    public void It_follows_an_engine_that_becomes_slower()
    {
        var learned = new LearnedStepTime();
        var rng = new Rng(1);
        for (var i = 0; i < 20_000; i++)
        {
            var shape = Random(ref rng);
            learned.Observe(in shape, True(in shape) * (i < 2000 ? 1 : 2));
        }

        var last = Random(ref rng);
        Assert.InRange(learned.StepTime(in last) / (2.0 * True(in last)), 0.9, 1.1);
    }

    [Fact]
    public void Before_the_first_step_it_has_a_guess() => Assert.Equal(1_000_000_000_000, new LearnedStepTime().StepTime(new BatchShape()));

    private static BatchShape Random(ref Rng rng)
    {
        var prefill = rng.Next(2) == 0 ? 0 : rng.Next(2000);
        var decodes = rng.Next(100);
        return new()
        {
            PrefillTokens = prefill,
            DecodeSequences = decodes,
            ContextTokens = decodes * (long)rng.Next(2000),
            AttentionPairsTwice = prefill * (long)(prefill + 2 * rng.Next(3000)),
        };
    }
}
