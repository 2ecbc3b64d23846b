using Sluice.Core;
using Sluice.Testing;

namespace Sluice.Engine.Tests;

public sealed class EmbeddedEngineTests
{
    [Fact]
    public async Task Callers_on_many_threads_get_the_answers_they_would_get_alone()
    {
        var loop = Loops.Of(new FakeTransformer(60), options: new() { SequencesMax = 8 });
        var engine = new EmbeddedEngine(loop);
        var answers = await Task.WhenAll(Enumerable.Range(0, 24).Select(i => Task.Run(() => Ask(engine, i))));

        for (var i = 0; i < answers.Length; i++) Assert.Equal(Loops.Alone(Loops.Prompt(i, 5 + i)).Answer.Tokens, answers[i]);
        await engine.DisposeAsync();
        loop.AssertAtRest();

        static async Task<List<int>> Ask(EmbeddedEngine engine, int seed)
        {
            var stream = new GenerationStream(1, engine.TokensMax);
            var submission = await engine.SubmitAsync(Request(stream, Loops.Prompt(seed, 5 + seed)));
            Assert.Equal(Refusal.None, submission.Refusal);
            var tokens = new List<int>();
            var ends = 0;
            await foreach (var part in stream.Parts.ReadAllAsync())
            {
                if (part.End is null) tokens.Add(part.Token.Token);
                else ends++;
            }

            Assert.Equal(1, ends);
            return tokens;
        }
    }

    [Fact]
    public async Task Cancelled_while_it_runs_an_answer_ends_early_and_says_so()
    {
        var model = new FakeTransformer(1000);
        await using var engine = new EmbeddedEngine(Loops.Of(model));
        var stream = new GenerationStream(1, engine.TokensMax);
        var submission = await engine.SubmitAsync(Request(stream, [1, 2, 3], 3000, endTokens: []));
        await stream.Parts.ReadAsync();

        engine.Cancel(submission.Generation!);

        var last = default(AnswerPart);
        await foreach (var part in stream.Parts.ReadAllAsync()) last = part;
        Assert.Equal(EndReason.Cancelled, last.End!.Value.Reason);
    }

    [Fact]
    public async Task A_model_that_throws_ends_its_answers_as_failed_and_later_ones_are_refused()
    {
        var model = new FakeTransformer(100);
        model.OnForward = _ =>
        {
            if (model.Rows > 10) throw new InvalidOperationException("bad weights");
        };
        await using var engine = new EmbeddedEngine(Loops.Of(model));
        var stream = new GenerationStream(1, engine.TokensMax);
        await engine.SubmitAsync(Request(stream, [1, 2, 3], endTokens: []));

        var last = default(AnswerPart);
        await foreach (var part in stream.Parts.ReadAllAsync()) last = part;

        Assert.Equal((EndReason.Failed, "bad weights"), (last.End!.Value.Reason, last.End.Value.Error));
        Assert.Equal("bad weights", engine.Fault);
        Assert.Equal(Refusal.Broken, (await engine.SubmitAsync(Request(stream, [1]))).Refusal);
    }

    [Fact]
    public async Task Closing_ends_every_answer_as_cancelled()
    {
        var engine = new EmbeddedEngine(Loops.Of(new FakeTransformer(1000)));
        var stream = new GenerationStream(2, engine.TokensMax);
        await engine.SubmitAsync(Request(stream, [1, 2, 3], 2000, endTokens: []) with { Samples = 2 });
        await stream.Parts.ReadAsync();

        await engine.DisposeAsync();

        var reasons = new List<EndReason>();
        await foreach (var part in stream.Parts.ReadAllAsync())
            if (part.End is { } end) reasons.Add(end.Reason);
        Assert.Equal([EndReason.Cancelled, EndReason.Cancelled], reasons);
    }

    [Fact]
    public async Task Two_engines_hand_a_running_answer_from_one_to_the_other()
    {
        var prompt = Loops.TalkativePrompt(30, 500);
        var loop = Loops.Of(new FakeTransformer(300));
        var from = new EmbeddedEngine(loop);
        await using var to = new EmbeddedEngine(Loops.Of(new FakeTransformer(300)));
        var stream = new GenerationStream(1, from.TokensMax);
        var submission = await from.SubmitAsync(Request(stream, prompt, 500));
        var tokens = new List<int> { (await stream.Parts.ReadAsync()).Token.Token };

        var image = await from.MoveOutAsync(submission.Generation!);
        if (image is not null) Assert.Equal(Refusal.None, (await to.MoveInAsync(image)).Refusal);

        await foreach (var part in stream.Parts.ReadAllAsync())
            if (part.End is null) tokens.Add(part.Token.Token);
        Assert.Equal(Loops.Alone(prompt, 500).Answer.Tokens, tokens);
        await from.DisposeAsync();
        loop.AssertAtRest();
    }

    private static GenerationRequest Request(
        IGenerationSink sink, int[] prompt, int maxOutputTokens = 40, int[]? endTokens = null) =>
        new()
        {
            Prompt = prompt,
            MaxOutputTokens = maxOutputTokens,
            Chooser = _ => new GreedyChooser(endTokens ?? [Loops.EndToken]),
            Sink = sink,
        };
}
