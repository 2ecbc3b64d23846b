using Sluice.Core;

namespace Sluice.Policies.Tests;

/// <summary>The order of a step in vLLM v1, case by case. Blocks hold 16 tokens; #3:50 is a chunk of 50 tokens of request
/// 3.</summary>
public sealed class VllmV1StepTests
{
    private static TestEngine Engine(int budget = 2048, int sequences = 256, int blocks = 1000, params string[] settings) =>
        new(A.System("vllm-v1", settings).Iteration(), new(budget, sequences), new CountingKvCache(blocks, 16));

    [Fact]
    public void Decodes_come_before_chunks_under_way_and_those_before_new_prompts()
    {
        var engine = Engine(budget: 100);
        engine.Submit(0, promptTokens: 10, outputTokens: 5);
        engine.Submit(1, promptTokens: 150, outputTokens: 5);
        engine.Run(1);
        engine.Submit(2, promptTokens: 200, outputTokens: 5);
        engine.Run(3);

        Assert.Equal(["#0:10, #1:90", "1 decode, #1:60, #2:39", "2 decodes, #2:98", "2 decodes, #2:63"], engine.Trace);
    }

    [Fact]
    public void A_prompt_is_cut_by_what_the_decodes_leave_and_the_budget_is_used_up()
    {
        var engine = Engine(budget: 64);
        for (var i = 0; i < 4; i++) engine.Submit(i, promptTokens: 16, outputTokens: 50);
        engine.Submit(4, promptTokens: 150, outputTokens: 3);
        engine.Run(5);

        Assert.Equal(["#0:16, #1:16, #2:16, #3:16", "4 decodes, #4:60", "4 decodes, #4:60", "4 decodes, #4:30", "5 decodes"], engine.Trace);
    }

    [Fact]
    public void Several_prompts_share_a_step_and_only_the_last_is_cut()
    {
        var engine = Engine(budget: 100);
        for (var i = 0; i < 3; i++) engine.Submit(i, promptTokens: 40, outputTokens: 2);
        engine.Run();

        Assert.Equal(["#0:40, #1:40, #2:20", "2 decodes, #2:20", "1 decode"], engine.Trace);
    }

    [Fact]
    public void The_chunk_setting_leaves_room_for_the_next_prompt()
    {
        var engine = Engine(budget: 100, settings: "chunk-tokens=30");
        engine.Submit(0, promptTokens: 50, outputTokens: 1);
        engine.Submit(1, promptTokens: 50, outputTokens: 1);
        engine.Run();

        Assert.Equal(["#0:30, #1:30", "#0:20, #1:20"], engine.Trace);
    }

    [Fact]
    public void The_last_admitted_gives_way_resumes_first_and_computes_its_own_output_again()
    {
        var engine = Engine(blocks: 3);
        engine.Submit(0, promptTokens: 16, outputTokens: 10);
        engine.Submit(1, promptTokens: 16, outputTokens: 10);
        engine.Submit(2, promptTokens: 16, outputTokens: 1);
        engine.Run();

        // #2 ends at once. The second step needs two blocks and finds one.
        Assert.Equal(
            ["#0:16, #1:16, #2:16", "1 decode", .. Enumerable.Repeat("1 decode", 8), "#1:17", .. Enumerable.Repeat("1 decode", 8)],
            engine.Trace);
        Assert.Equal([1], engine.Events.Ids(EventKind.Preempted));
        Assert.Equal(16, engine.Events.Of(EventKind.Preempted)[0].Amount);
        Assert.Equal([2, 0, 1], engine.Events.Ids(EventKind.Finished));
        Assert.Equal([0, 1, 2], engine.Events.Ids(EventKind.FirstToken)); // Once each.
    }

    [Fact]
    public void Nobody_is_admitted_in_a_step_in_which_somebody_gave_way()
    {
        var engine = Engine(blocks: 4, settings: "chunk-tokens=16");
        engine.Submit(0, promptTokens: 31, outputTokens: 30);
        engine.Submit(1, promptTokens: 31, outputTokens: 30);
        engine.Run(3); // The prompts and the 32nd tokens fill all four blocks.
        engine.Submit(2, promptTokens: 1, outputTokens: 1);
        engine.Run(2);

        // #1 gives way and leaves a block over, which #2 does not get, and in the next step #1 has it.
        Assert.Equal(["#0:16, #1:16", "#0:15, #1:15", "2 decodes", "1 decode", "1 decode, #1:16"], engine.Trace);
        Assert.Equal([1], engine.Events.Ids(EventKind.Preempted));
    }

    [Fact]
    public void A_victim_goes_to_the_front_of_the_queue()
    {
        var engine = Engine(blocks: 4);
        engine.Submit(0, promptTokens: 16, outputTokens: 20);
        engine.Submit(1, promptTokens: 16, outputTokens: 20);
        engine.Submit(2, promptTokens: 17, outputTokens: 20);
        engine.Submit(3, promptTokens: 1, outputTokens: 1);
        engine.Run();

        // #2 gives way to #0 and #1, later #1 to #0; #3 would fit in all the while.
        Assert.Equal([2, 1], engine.Events.Ids(EventKind.Preempted));
        Assert.Equal([0, 1, 2, 1, 2, 3], engine.Steps.SelectMany(s => s.Chunks).Select(c => c.Request));
        Assert.Equal("#2:18, #3:1", engine.Steps.First(s => s.Chunks.Any(c => c.Request == 3)).ToString());
    }

    [Fact]
    public void With_free_memory_an_urgent_arrival_displaces_nobody()
    {
        var engine = Engine(sequences: 2, settings: "order=priority");
        engine.Submit(0, promptTokens: 16, outputTokens: 10, priority: 5);
        engine.Submit(1, promptTokens: 16, outputTokens: 12, priority: 5);
        engine.Run(2);
        engine.Submit(2, promptTokens: 16, outputTokens: 1, priority: 5);
        engine.Submit(3, promptTokens: 16, outputTokens: 1, priority: 0);
        engine.Run();

        Assert.Empty(engine.Events.Of(EventKind.Preempted));
        Assert.Equal([0, 1, 3, 2], engine.Events.Ids(EventKind.Started)); // It only overtakes in the queue.
    }

    [Fact]
    public void When_memory_is_short_the_least_urgent_gives_way_even_if_it_was_planned_already()
    {
        var engine = Engine(budget: 40, blocks: 6, settings: "order=priority");
        engine.Submit(0, promptTokens: 16, outputTokens: 40, priority: 9);
        engine.Run(1);
        engine.Submit(1, promptTokens: 90, outputTokens: 2, priority: 1);
        engine.Run(3);

        // #0 decodes in two blocks while #1 takes 39 and 39 tokens in five more: there are six.
        Assert.Equal(["#0:16", "1 decode, #1:39", "#1:40", "#1:11"], engine.Trace);
        Assert.Equal([0], engine.Events.Ids(EventKind.Preempted));
    }

    [Fact]
    public void Among_equally_urgent_the_later_gives_way()
    {
        var engine = Engine(blocks: 2, settings: "order=priority");
        engine.Submit(0, promptTokens: 16, outputTokens: 4, priority: 1);
        engine.Submit(1, promptTokens: 16, outputTokens: 4, priority: 1);
        engine.Run();

        Assert.Equal([1], engine.Events.Ids(EventKind.Preempted));
        Assert.Equal([0, 1], engine.Events.Ids(EventKind.Finished));
    }

    /// <summary>Both prompts are under way and no decode is; the older one is the worse and gives way to itself.</summary>
    [Fact]
    public void When_a_prompt_under_way_gives_way_those_behind_it_go_on()
    {
        var engine = new TestEngine(
            Systems.Make("vllm-v1 order=priority chunk-tokens=7").Iteration(), new(64, 8), new CountingKvCache(totalBlocks: 8, blockTokens: 16));
        engine.Submit(0, 100, 5, priority: 2);
        engine.Run(1);
        engine.Submit(1, 100, 5, priority: 1);
        engine.Run();

        Assert.Contains(0, engine.Events.Ids(EventKind.Preempted));
        Assert.Equal([1, 0], engine.Events.Ids(EventKind.Finished));
    }
}
