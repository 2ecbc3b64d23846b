using Sluice.Core;
using Sluice.Testing;

namespace Sluice.Engine.Tests;

/// <summary>A sequence's tokens and logits are bitwise the same whatever happens around it.</summary>
public sealed class ServingLoopTests
{
    public static TheoryData<string> EverySystem => [.. Systems.Names.Concat(Systems.Variants.Where(v => !v.Contains("kv=")))];

    [Fact]
    public void An_answer_ends_at_an_end_token_or_at_its_limit()
    {
        for (var seed = 0; seed < 40; seed++)
        {
            var alone = Loops.Alone(Loops.Prompt(seed, 9), maxOutputTokens: 30);
            var (tokens, end) = (alone.Answer.Tokens, alone.Answer.End!.Value);

            Assert.Equal(tokens.Count, end.OutputTokens);
            if (end.Reason == EndReason.Stop) Assert.Equal(tokens.Count - 1, tokens.IndexOf(Loops.EndToken));
            else Assert.Equal((EndReason.Length, 30, -1), (end.Reason, tokens.Count, tokens.IndexOf(Loops.EndToken)));
        }
    }

    [Theory, MemberData(nameof(EverySystem))]
    public void Among_31_others_in_little_memory_every_answer_is_as_it_is_alone(string system)
    {
        int[][] prompts = [.. Enumerable.Range(0, 32).Select(i => Loops.Prompt(i, 3 + i * 5 % 41))];
        var loop = Loops.Of(new FakeTransformer(totalBlocks: 60), system, new() { TokenBudget = 48, SequencesMax = 20, HostBlocks = 30 });
        Recorder[] recorders = [.. prompts.Select(_ => new Recorder())];

        for (var i = 0; i < 8; i++) loop.Submit(Loops.Request(recorders[i], prompts[i]));
        loop.Drain(step =>
        {
            if (step + 8 < prompts.Length) loop.Submit(Loops.Request(recorders[step + 8], prompts[step + 8]));
        });

        for (var i = 0; i < prompts.Length; i++) Loops.AssertSame(Loops.Alone(prompts[i]), recorders[i]);
    }

    [Fact]
    public void Chunks_of_every_size_from_1_to_64_give_the_same_answer()
    {
        var prompt = Loops.Prompt(5, 150);
        var alone = Loops.Alone(prompt, 12);

        for (var chunk = 1; chunk <= 64; chunk++)
        {
            var loop = Loops.Of(new FakeTransformer(100), $"vllm-v1 chunk-tokens={chunk}");
            var recorder = new Recorder();
            loop.Submit(Loops.Request(recorder, prompt, 12));
            loop.Drain();
            Loops.AssertSame(alone, recorder);
        }
    }

    [Fact]
    public void Short_memory_makes_sequences_give_way_and_nobody_notices()
    {
        foreach (var (system, kind) in new[] { ("vllm-v1", EventKind.Preempted), ("vllm-v0 preemption=swap", EventKind.SwappedOut) })
        {
            var log = new EventLog();
            var loop = Loops.Of(
                new FakeTransformer(totalBlocks: 24), system, new() { HostBlocks = 40, PrefixCache = false, Events = log });
            Recorder[] recorders = [.. Enumerable.Range(0, 10).Select(_ => new Recorder())];
            for (var i = 0; i < 10; i++) loop.Submit(Loops.Request(recorders[i], Loops.Prompt(100 + i, 12), 60));

            loop.Drain();

            Assert.True(log.Events.Count(e => e.Kind == kind) > 3);
            for (var i = 0; i < 10; i++) Loops.AssertSame(Loops.Alone(Loops.Prompt(100 + i, 12), 60), recorders[i]);
        }
    }

    [Fact]
    public void Equal_beginnings_are_computed_once_and_change_nothing()
    {
        var model = new FakeTransformer(400);
        var loop = Loops.Of(model, options: new() { TokenBudget = 64 });
        var shared = Loops.Prompt(1, 80);
        int[][] prompts = [.. Enumerable.Range(0, 6).Select(i => shared.Concat(Loops.Prompt(50 + i, 5 + i)).ToArray())];
        Recorder[] recorders = [.. prompts.Select(_ => new Recorder())];

        for (var i = 0; i < prompts.Length; i++) loop.Submit(Loops.Request(recorders[i], prompts[i], 10));
        loop.Drain();

        Assert.InRange(model.Rows, 80, 80 + 6 * (11 + 10) + 80); // Not six times the shared beginning.
        Assert.Equal(80, recorders[5].Answer.End!.Value.CachedTokens);
        for (var i = 0; i < prompts.Length; i++) Loops.AssertSame(Loops.Alone(prompts[i], 10), recorders[i]);
    }

    [Fact]
    public void Cancelled_between_steps_an_answer_ends_once_and_its_blocks_are_free()
    {
        var loop = Loops.Of(new FakeTransformer(64));
        var (first, second) = (new Recorder(), new Recorder(3));
        var one = loop.Submit(Loops.Request(first, Loops.TalkativePrompt(20), 50));
        var three = loop.Submit(Loops.Request(second, Loops.Prompt(4, 20), 50, samples: 3));

        loop.Step();
        loop.Step();
        loop.Cancel(one);
        loop.Cancel(three);
        loop.Drain();

        Assert.Equal(EndReason.Cancelled, first.Answer.End!.Value.Reason);
        Assert.All(second.Answers, a => Assert.Equal((EndReason.Cancelled, 1), (a.End!.Value.Reason, a.Ends)));
        Assert.InRange(first.Answer.Tokens.Count, 1, 2);
    }

    [Theory]
    [InlineData(20)]
    [InlineData(22)]
    public void Several_answers_share_their_prompt_and_copy_at_most_one_block_each(int promptTokens)
    {
        var prompt = Loops.Prompt(9, promptTokens);
        var model = new FakeTransformer(200);
        var loop = Loops.Of(model, options: new() { PrefixCache = false });
        var recorder = new Recorder(5);
        loop.Submit(Loops.Request(recorder, prompt, 25, samples: 5));

        loop.Step();
        var taken = 200 - loop.Cache.FreeBlocks;
        var copies = loop.Cache.PendingCopies.Length;
        loop.Drain();

        Assert.Equal(promptTokens % 4 == 0 ? 0 : 4, copies);
        Assert.Equal((promptTokens + 3) / 4 + copies, taken);
        Loops.AssertSame(Loops.Alone(prompt, 25, samples: 5), recorder);
    }

    [Fact]
    public void Evicted_with_and_without_room_for_its_KV_an_answer_goes_on_where_it_was()
    {
        var prompt = Loops.TalkativePrompt(30);
        foreach (var hostBlocks in new[] { 0, 64 })
        {
            var model = new FakeTransformer(64);
            var loop = Loops.Of(model, options: new() { HostBlocks = hostBlocks, PrefixCache = false });
            var recorder = new Recorder();
            var generation = loop.Submit(Loops.Request(recorder, prompt, 40));
            for (var i = 0; i < 5; i++) loop.Step();

            loop.Evict(generation);
            while (loop.HasWork) loop.Step();
            Assert.Equal((EndReason.Evicted, 0), (recorder.Answer.End!.Value.Reason, recorder.Answer.Ends));
            Assert.Equal(64, loop.Cache.FreeBlocks);
            var rows = model.Rows;
            loop.Resume(generation);
            loop.Step();

            Assert.Equal(hostBlocks > 0 ? 1 : 35, model.Rows - rows);
            loop.Drain();
            Loops.AssertSame(Loops.Alone(prompt, 40), recorder);
        }
    }

    [Fact]
    public void Moved_mid_answer_a_sequence_goes_on_bitwise_the_same()
    {
        var prompt = Loops.TalkativePrompt(26);
        for (var after = 1; after < 20; after += 3)
        {
            var from = Loops.Of(new FakeTransformer(64), options: new() { ExportBlocksPerStep = 2 });
            var to = Loops.Of(new FakeTransformer(64));
            var (recorder, bystander) = (new Recorder(), new Recorder());
            var generation = from.Submit(Loops.Request(recorder, prompt, 40));
            from.Submit(Loops.Request(bystander, Loops.Prompt(22, 9), 40));
            to.Submit(Loops.Request(new Recorder(), Loops.Prompt(23, 14), 40));
            for (var i = 0; i < after; i++) from.Step();

            SequenceImage? image = null;
            from.MoveOut(generation, moved => image = moved);
            from.Drain(_ => to.Step());
            Assert.NotNull(image);
            Assert.Equal(Refusal.None, to.TryMoveIn(image, out _));
            to.Drain();

            Loops.AssertSame(Loops.Alone(prompt, 40), recorder);
            Loops.AssertSame(Loops.Alone(Loops.Prompt(22, 9), 40), bystander);
        }
    }

    [Fact]
    public void Moved_over_a_stream_it_is_the_same_and_a_stream_cut_anywhere_is_refused()
    {
        var prompt = Loops.TalkativePrompt(26);
        var from = Loops.Of(new FakeTransformer(64));
        var recorder = new Recorder();
        var generation = from.Submit(Loops.Request(recorder, prompt, 40));
        for (var i = 0; i < 6; i++) from.Step();
        using var stream = new MemoryStream();
        from.MoveOut(generation, image => image!.WriteTo(stream));
        from.Drain();

        var bytes = stream.ToArray();
        for (var cut = 0; cut < bytes.Length; cut += 7)
            Assert.Throws<EndOfStreamException>(() => SequenceImage.ReadFrom(new MemoryStream(bytes[..cut])));
        var to = Loops.Of(new FakeTransformer(64));
        var image = SequenceImage.ReadFrom(new MemoryStream(bytes));
        Assert.Equal(Refusal.None, to.TryMoveIn(image, recorder.Chooser(0, Loops.EndToken), recorder, null, out _));
        to.Drain();

        Loops.AssertSame(Loops.Alone(prompt, 40), recorder);
    }

    [Fact]
    public void What_can_never_run_is_refused_with_a_reason()
    {
        var loop = Loops.Of(new FakeTransformer(totalBlocks: 8, contextMax: 1000), options: new() { OutstandingMax = 2 });
        var recorder = new Recorder(2);

        Assert.Equal(Refusal.Malformed, loop.TrySubmit(Loops.Request(recorder, []), out _));
        Assert.Equal(Refusal.Malformed, loop.TrySubmit(Loops.Request(recorder, [61]), out _));
        Assert.Equal(Refusal.Malformed, loop.TrySubmit(Loops.Request(recorder, [-1]), out _));
        Assert.Equal(Refusal.TooLong, loop.TrySubmit(Loops.Request(recorder, Loops.Prompt(1, 32)), out _));
        Assert.Equal(Refusal.None, loop.TrySubmit(Loops.Request(recorder, Loops.Prompt(1, 31), 100, samples: 2), out _));
        Assert.Equal(Refusal.Busy, loop.TrySubmit(Loops.Request(recorder, Loops.Prompt(1, 3)), out _));
        loop.Drain();
        Assert.All(recorder.Answers, a => Assert.Equal(1, a.End!.Value.OutputTokens));
    }
}
