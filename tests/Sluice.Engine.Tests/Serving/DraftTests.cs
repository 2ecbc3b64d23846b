using Sluice.Core;
using Sluice.Testing;

namespace Sluice.Engine.Tests;

/// <summary>Guessed tokens change how many steps an answer takes, and nothing else.</summary>
public sealed class DraftTests
{
    public static TheoryData<string> Some => ["vllm-v1", "vllm-v0", "vllm-v0 preemption=swap", "srpt", "static", "orca"];

    [Theory, MemberData(nameof(Some))]
    public void Answers_are_the_same_with_right_wrong_and_no_guesses(string system)
    {
        int[][] prompts = [.. Enumerable.Range(0, 12).Select(i => Loops.Prompt(300 + i, 4 + 3 * i))];
        Recorder[] alone = [.. prompts.Select(p => Loops.Alone(p))];
        var loop = Loops.Of(new FakeTransformer(50), system, new() { TokenBudget = 40, SequencesMax = 9, HostBlocks = 20 });
        Recorder[] recorders = [.. prompts.Select(_ => new Recorder())];

        for (var i = 0; i < prompts.Length; i++)
        {
            var draft = new Oracle([.. prompts[i], .. alone[i].Answer.Tokens], rightShare: i % 4);
            loop.Submit(Loops.Request(recorders[i], prompts[i], draft: i % 5 == 4 ? null : draft));
        }

        loop.Drain();

        for (var i = 0; i < prompts.Length; i++)
        {
            Assert.Equal(alone[i].Answer.Tokens, recorders[i].Answer.Tokens);
            Assert.Equal(alone[i].Answer.Logits, recorders[i].Answer.Logits);
        }
    }

    [Fact]
    public void Right_guesses_save_steps()
    {
        var prompt = Loops.TalkativePrompt(10);
        var alone = Loops.Alone(prompt);
        var loop = Loops.Of(new FakeTransformer(50));
        var recorder = new Recorder();
        loop.Submit(Loops.Request(recorder, prompt, draft: new Oracle([.. prompt, .. alone.Answer.Tokens], rightShare: 3)));

        loop.Drain();

        Loops.AssertSame(alone, recorder);
        Assert.Equal(1 + 39 / 5 + 1, loop.Core.Iterations); // A prompt, then five tokens a step.
        Assert.Equal(40, loop.Core.OutputTokens);
    }

    [Fact]
    public void Prompt_lookup_continues_the_last_occurrence_of_the_longest_ending()
    {
        var lookup = new PromptLookup(new());
        var drafts = new int[3];

        Assert.Equal(3, lookup.Guess(0, [1, 2, 3, 4, 5, 6, 9, 2, 3, 7, 8, 1, 2, 3], drafts));
        Assert.Equal([4, 5, 6], drafts); // 1 2 3 rather than the later 2 3.
        Assert.Equal(2, lookup.Guess(0, [5, 6, 5, 6], drafts.AsSpan(0, 2)));
        Assert.Equal([5, 6], drafts[..2]);
        Assert.Equal(0, lookup.Guess(0, [1, 2, 3], drafts));
        Assert.Equal(0, lookup.Guess(0, [1], drafts));
    }

    [Fact]
    public void A_small_model_guesses_through_the_same_interface()
    {
        var prompt = Loops.TalkativePrompt(10);
        var loop = Loops.Of(new FakeTransformer(50));
        var recorder = new Recorder();
        var draft = new ModelDraft(new FakeTransformer(50)); // The same weights: every guess is right.
        loop.Submit(Loops.Request(recorder, prompt, draft: draft));

        loop.Drain();

        Loops.AssertSame(Loops.Alone(prompt), recorder);
        Assert.Equal(1 + 39 / 5 + 1, loop.Core.Iterations);
        Assert.Equal(50, draft.FreeBlocks);
    }

    // What remembers sequences is used by one engine's thread; what does not goes along.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_sequence_that_moves_leaves_a_draft_behind_that_keeps_state(bool keepsState)
    {
        var prompt = Loops.TalkativePrompt(10);
        var (from, to) = (Loops.Of(new FakeTransformer(50)), Loops.Of(new FakeTransformer(50)));
        var recorder = new Recorder();
        var draft = new Counting(keepsState);
        var generation = from.Submit(Loops.Request(recorder, prompt, draft: draft));
        for (var i = 0; i < 5; i++) from.Step();
        SequenceImage? image = null;
        from.MoveOut(generation, moved => image = moved);
        while (image is null) from.Step();
        var asked = draft.Guesses;

        Assert.Equal(Refusal.None, to.TryMoveIn(image, out _));
        to.Drain();

        Loops.AssertSame(Loops.Alone(prompt), recorder);
        Assert.True(asked > 0);
        Assert.Equal(keepsState, draft.Guesses == asked);
    }

    private sealed class Counting(bool keepsState) : IDraft
    {
        public int Guesses { get; private set; }
        public bool KeepsState => keepsState;

        public int Guess(long sequence, ReadOnlySpan<int> tokens, Span<int> drafts)
        {
            Guesses++;
            return 0;
        }
    }

    /// <summary>Knows the answer, and says it with some share of the tokens changed.</summary>
    private sealed class Oracle(int[] all, int rightShare) : IDraft
    {
        public int Guess(long sequence, ReadOnlySpan<int> tokens, Span<int> drafts)
        {
            var count = Math.Min(drafts.Length, all.Length - tokens.Length);
            for (var i = 0; i < count; i++)
            {
                var right = all[tokens.Length + i];
                drafts[i] = new Rng((ulong)(tokens.Length * 31 + i)).Next(3) < rightShare ? right : (right + 1) % 61;
            }

            return Math.Max(count, 0);
        }
    }
}
