using Sluice.Core;

namespace Sluice.Policies.Tests;

public sealed class PiaTests
{
    [Fact]
    public void A_batch_is_of_whoever_came_first_and_those_of_like_length()
    {
        var engine = Engine(blocks: 100);
        foreach (var (id, output) in new[] { (0, 20), (1, 200), (2, 30), (3, 150), (4, 10) }) engine.Submit(id, 16, output);
        engine.Run();

        Assert.Equal("#0:16, #2:16, #4:16", engine.Trace[0]);
        Assert.Contains("#1:16, #3:16", engine.Trace);
        Assert.Equal(2, engine.Steps.Count(s => s.Chunks.Length > 0));
    }

    [Fact]
    public void A_batch_is_as_large_as_memory_holds_at_the_length_of_its_group()
    {
        var engine = Engine(blocks: 10); // 16 tokens of prompt and 32 of answer are three blocks.
        for (var i = 0; i < 5; i++) engine.Submit(i, 16, 25);
        engine.Run();

        Assert.Equal([3, 2], engine.Steps.Where(s => s.Chunks.Length > 0).Select(s => s.Chunks.Length));
        Assert.Empty(engine.Events.Of(EventKind.Preempted));
    }

    [Fact]
    public void Whoever_answers_at_greater_length_leaves_the_batch_and_runs_again_with_its_like()
    {
        var engine = Engine(blocks: 100);
        engine.Submit(0, 16, 100, predicted: 20);
        engine.Submit(1, 16, 30, predicted: 30);
        engine.Submit(2, 16, 60, predicted: 60);
        engine.Run();

        Assert.Equal([0, 0], engine.Events.Ids(EventKind.Preempted)); // At 32 and at 64 tokens.
        Assert.Equal([1, 2, 0], engine.Events.Ids(EventKind.Finished));
    }

    private static TestEngine Engine(int blocks) => new(new Pia(leastTokens: 32), new(512, 64), new CountingKvCache(blocks, 16));
}
