using Sluice.Core;
using Sluice.Policies;
using Sluice.Testing;

namespace Sluice.Engine.Tests;

/// <summary>What a loop costs and wastes once it is warm and full.</summary>
public sealed class SteadyStateTests
{
    [Theory]
    [InlineData("vllm-v1")]
    [InlineData("srpt")]
    [InlineData("vllm-v0 preemption=swap")]
    public void A_step_allocates_nothing_once_warm(string system)
    {
        // Requests that end and come again are made before, so that only the steps are counted.
        var loop = Loops.Of(new FakeTransformer(160, blockTokens: 8), system, new() { TokenBudget = 64, HostBlocks = 60 });
        for (var i = 0; i < 32; i++)
            loop.Submit(new()
            {
                Prompt = Loops.Prompt(i, 20 + i), MaxOutputTokens = 400, Chooser = _ => new GreedyChooser(), Sink = new Silent(),
            });
        for (var i = 0; i < 500; i++) loop.Step();

        var least = long.MaxValue;
        for (var round = 0; round < 5; round++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < 40; i++) loop.Step();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.Equal(0, least);
    }

    [Fact]
    public void At_saturation_under_4_percent_of_the_memory_holds_no_live_token()
    {
        // 16 tokens a block, as engines run: the last one of each sequence is half empty on average. Ends are spread out.
        var loop = new ServingLoop(
            new Blank(4000), new RunningFirst(new()), new() { SequencesMax = 512, TokenBudget = 2048, PrefixCache = false },
            TimeProvider.System);
        for (var i = 0; i < 400; i++)
            loop.Submit(new()
            {
                Prompt = Loops.Prompt(i, vocabulary: 2, tokens: 100 + i * 37 % 500),
                MaxOutputTokens = 100 + i * 53 % 400,
                Chooser = _ => new GreedyChooser(),
                Sink = new Silent(),
            });

        var (wasted, full) = (0.0, 0);
        for (var step = 0; step < 400; step++)
        {
            loop.Step();
            if (loop.Core.Waiting.Count == 0 || step < 50) continue;
            var usage = loop.Cache.Usage(loop.Core.LiveTokens);
            wasted += 1 - usage.LiveShare;
            full++;
        }

        Assert.True(full > 100);
        Assert.InRange(wasted / full, 0, 0.04);
        loop.Core.Lose(loop.Now, (_, _) => { });
        Assert.Equal(4000, loop.Cache.FreeBlocks);
    }

    /// <summary>Computes nothing: what is left is the loop.</summary>
    private sealed class Blank(int totalBlocks) : ITransformer
    {
        public int Vocabulary => 2;
        public int ContextMax => 1 << 20;
        public int BlockTokens => 16;
        public int TotalBlocks => totalBlocks;
        public int BlockBytes => 0;

        public void Forward(ForwardBatch batch, Span<float> logits) => logits.Clear();

        public void CopyBlock(int from, int to)
        {
        }

        public void ExportBlock(int block, Span<byte> to)
        {
        }

        public void ImportBlock(ReadOnlySpan<byte> from, int block)
        {
        }
    }

    private sealed class Silent : IGenerationSink
    {
        public void OnToken(int sample, in TokenChoice token)
        {
        }

        public void OnEnd(int sample, in AnswerEnd end)
        {
        }
    }
}
