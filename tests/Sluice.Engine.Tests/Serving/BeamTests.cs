using Sluice.Core;
using Sluice.Testing;

namespace Sluice.Engine.Tests;

public sealed class BeamTests
{
    public static TheoryData<string> EverySystem => [.. Systems.Names.Concat(Systems.Variants.Where(v => !v.Contains("kv=")))];

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(8)]
    public void Beams_find_what_a_plain_search_over_whole_histories_finds(int width)
    {
        for (var seed = 0; seed < 8; seed++)
        {
            var prompt = Loops.Prompt(700 + seed, 9 + seed);
            var loop = Loops.Of(new FakeTransformer(400), options: new() { SequencesMax = width });
            var recorder = new Recorder(width);
            loop.Submit(Request(recorder, prompt, width));

            loop.Drain();

            var expected = PlainSearch(prompt, width, outputMax: 12);
            for (var i = 0; i < width; i++)
            {
                Assert.Equal(expected[i], recorder.Answers[i].Tokens);
                Assert.Equal(1, recorder.Answers[i].Ends);
            }
        }
    }

    [Theory, MemberData(nameof(EverySystem))]
    public void In_little_memory_among_others_every_search_comes_to_the_same(string system)
    {
        var loop = Loops.Of(new FakeTransformer(36), system, new() { SequencesMax = 7, TokenBudget = 24, HostBlocks = 10 });
        Recorder[] beams = [.. Enumerable.Range(0, 4).Select(_ => new Recorder(3))];
        Recorder[] others = [.. Enumerable.Range(0, 6).Select(_ => new Recorder())];
        for (var i = 0; i < 6; i++)
        {
            loop.Submit(Loops.Request(others[i], Loops.Prompt(800 + i, 7 + i)));
            if (i < 4) loop.Submit(Request(beams[i], Loops.Prompt(700 + i, 9 + i), 3));
        }

        loop.Drain();

        for (var i = 0; i < 4; i++)
            Assert.Equal(
                PlainSearch(Loops.Prompt(700 + i, 9 + i), 3, outputMax: 12), beams[i].Answers.Select(a => a.Tokens.ToArray()).ToArray());
        for (var i = 0; i < 6; i++) Loops.AssertSame(Loops.Alone(Loops.Prompt(800 + i, 7 + i)), others[i]);
    }

    [Fact]
    public void A_split_copies_at_most_one_block_and_shares_the_rest()
    {
        var loop = Loops.Of(new FakeTransformer(400), options: new() { PrefixCache = false });
        loop.Submit(Request(new Recorder(4), Loops.Prompt(701, 40), 4));
        var blocksMax = 0;

        while (loop.HasWork)
        {
            loop.Step();
            Assert.InRange(loop.Cache.PendingCopies.Length, 0, 3);
            blocksMax = Math.Max(blocksMax, 400 - loop.Cache.FreeBlocks);
        }

        Assert.InRange(blocksMax, 10, 10 + 4 * 4); // Not four times the prompt: 12 tokens of output are 4 blocks each at most.
        loop.AssertAtRest();
    }

    [Fact]
    public void Cancelled_a_search_ends_each_of_its_answers_once()
    {
        var loop = Loops.Of(new FakeTransformer(400));
        var recorder = new Recorder(2);
        var generation = loop.Submit(Request(recorder, Loops.Prompt(701, 10), 4) with { Samples = 2 });
        for (var i = 0; i < 4; i++) loop.Step();

        loop.Cancel(generation);
        loop.Drain();

        Assert.All(recorder.Answers, a => Assert.Equal((EndReason.Cancelled, 1, 0), (a.End!.Value.Reason, a.Ends, a.Tokens.Count)));
    }

    private static GenerationRequest Request(Recorder recorder, int[] prompt, int width) =>
        Loops.Request(recorder, prompt, 12, recorder.Answers.Length) with
        {
            Beams = new() { Width = width, IsEnd = token => token == Loops.EndToken },
        };

    /// <summary>The same rule, with every history computed from scratch.</summary>
    private static int[][] PlainSearch(int[] prompt, int width, int outputMax)
    {
        var live = new List<(double Score, int[] Output)> { (0, []) };
        var finished = new List<(double Score, int[] Output)>();
        while (true)
        {
            var ranked = live
                .SelectMany((beam, i) => LogProbabilities([.. prompt, .. beam.Output])
                    .Select((logprob, token) => (Score: beam.Score + logprob, Index: i, Output: (int[])[.. beam.Output, token])))
                .OrderByDescending(c => c.Score).ThenBy(c => c.Index).ThenBy(c => c.Output[^1])
                .Take(2 * width).ToArray();
            var next = new List<(double, int[])>();
            for (var rank = 0; rank < ranked.Length && next.Count < width; rank++)
            {
                var (score, _, output) = ranked[rank];
                if (output[^1] != Loops.EndToken) next.Add((score, output));
                else if (rank < width) finished.Add((score / output.Length, output));
            }

            live = next;
            if (finished.Count < width && live[0].Output.Length < outputMax) continue;
            if (finished.Count < width) finished.AddRange(live.Select(b => (b.Score / b.Output.Length, b.Output)));
            return [.. finished.OrderByDescending(f => f.Score).Take(width).Select(f => f.Output)];
        }
    }

    private static double[] LogProbabilities(int[] tokens)
    {
        var model = new FakeTransformer(40);
        var batch = new ForwardBatch();
        batch.Add(tokens, 0, Enumerable.Range(0, 40).ToArray(), logitRows: 1);
        var logits = new float[model.Vocabulary];
        model.Forward(batch, logits);
        var most = logits.Max();
        var normalizer = most + Math.Log(logits.Sum(x => Math.Exp(x - most)));
        return [.. logits.Select(x => (double)(float)(x - normalizer))];
    }
}
