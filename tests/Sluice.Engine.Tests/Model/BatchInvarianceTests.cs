using Sluice.Core;
using Sluice.Testing;

namespace Sluice.Engine.Tests;

/// <summary>A sequence's logits are the same bits whatever it is computed with. The reference is the whole sequence in one
/// step, alone, on one thread.</summary>
public sealed class BatchInvarianceTests : IDisposable
{
    private const int Length = 70;

    private static readonly Dictionary<string, RandomModel> s_models = new()
    {
        ["llama, K quants"] = new() { TypeOf = name => RandomModel.Q4KM(name, 2) },
        ["llama, F16, 3 heads to a KV head"] = new() { Dim = 96, Heads = 6, FeedForward = 160, TypeOf = _ => GgufTensorType.F16 },
        ["qwen3, Q8_0"] = new() { Architecture = "qwen3", Dim = 64, HeadDim = 32, FeedForward = 96, TypeOf = _ => GgufTensorType.Q8_0 },
        ["qwen2, BF16, tied"] = new() { Architecture = "qwen2", Dim = 64, TiedEmbeddings = true, TypeOf = _ => GgufTensorType.BF16 },
        ["mixture of experts, Q4_0"] = new() { Dim = 64, FeedForward = 64, Experts = 5, TypeOf = _ => GgufTensorType.Q4_0 },
    };

    public static TheoryData<string> Models => [.. s_models.Keys];

    private readonly List<IDisposable> _open = [];

    public void Dispose()
    {
        for (var i = _open.Count - 1; i >= 0; i--) _open[i].Dispose();
    }

    [Theory, MemberData(nameof(Models))]
    public void Chunks_of_every_size_from_1_to_64_give_the_same_bits(string model)
    {
        var sequence = Tokens(1);
        var reference = Reference(model, sequence);
        var transformer = Open(model);

        for (var size = 1; size <= 64; size++)
        {
            var run = new Run(sequence, Blocks(0, 5));
            while (run.Computed < Length) Step(transformer, (run, Math.Min(size, Length - run.Computed)));
            Assert.Equal(reference, run.Logits);
        }
    }

    [Theory, MemberData(nameof(Models))]
    public void Among_31_others_on_any_threads_and_instructions_it_gives_the_same_bits(string model)
    {
        foreach (var set in Enum.GetValues<InstructionSet>().Where(InstructionSets.Has))
        {
            var transformer = Open(model, new() { Threads = 1 + (int)set, TotalBlocks = 200, InstructionSet = set });
            Run[] runs = [.. Enumerable.Range(0, 32).Select(i => new Run(Tokens(i), Blocks(5 * i, 5)))];
            var rng = new Rng((ulong)set);
            while (runs.Any(r => r.Computed < Length))
                Step(transformer, [.. runs.Where(r => r.Computed < Length)
                    .Select(r => (r, rng.Next(3) == 0 ? 1 + rng.Next(Length - r.Computed) : 1))]);

            foreach (var i in (int[])[0, 13, 31]) Assert.Equal(Reference(model, Tokens(i)), runs[i].Logits);
        }
    }

    // Everything that a loop may do to a sequence, in random order: computed in pieces with others, its blocks copied elsewhere,
    // preempted and computed again, swapped out and in, moved to another engine with other threads.
    [Theory, MemberData(nameof(Models))]
    public void A_sequence_that_is_preempted_swapped_copied_and_moved_gives_the_same_bits(string model)
    {
        Transformer[] engines = [Open(model), Open(model, new() { Threads = 2, TotalBlocks = 40 })];
        for (ulong seed = 1; seed <= 4; seed++)
        {
            var rng = new Rng(seed);
            var run = new Run(Tokens(7), Blocks(0, 5));
            var other = new Run(Tokens(8), Blocks(30, 5));
            var at = 0;
            while (run.Computed < Length)
            {
                switch (rng.Next(6))
                {
                    case 0:
                        run.Computed = 0;
                        break;
                    case 1:
                        run.MoveBlocks(engines[at], engines[at], 5 * rng.Next(6));
                        break;
                    case 2:
                        run.MoveBlocks(engines[at], engines[1 - at], 5 * rng.Next(6));
                        at = 1 - at;
                        other.Computed = 0;
                        break;
                    default:
                        var rows = 1 + rng.Next(Math.Min(40, Length - run.Computed));
                        if (other.Computed == Length) other.Computed = 0;
                        Step(engines[at], (other, 1 + rng.Next(Math.Min(9, Length - other.Computed))), (run, rows));
                        break;
                }
            }

            Assert.Equal(Reference(model, Tokens(7)), run.Logits);
        }
    }

    [Fact]
    public void Half_keys_and_values_give_the_same_bits_in_any_chunks_and_blocks_of_any_size()
    {
        const string model = "llama, K quants";
        var whole = new Run(Tokens(3), Blocks(0, 5));
        Step(Open(model, new() { Threads = 1, TotalBlocks = 8, KvType = KvType.F16 }), (whole, Length));
        var pieces = new Run(Tokens(3), Blocks(2, 2));
        var transformer = Open(model, new() { Threads = 2, TotalBlocks = 4, KvType = KvType.F16, BlockTokens = 48 });
        while (pieces.Computed < Length) Step(transformer, (pieces, Math.Min(9, Length - pieces.Computed)));

        Assert.Equal(whole.Logits, pieces.Logits);
    }

    [Fact]
    public void Hidden_states_give_the_logits_when_multiplied_by_the_output_matrix()
    {
        var model = s_models["llama, F16, 3 heads to a KV head"] with { TypeOf = _ => GgufTensorType.F32, TiedEmbeddings = true };
        var file = File(model);
        var transformer = Keep(new Transformer(file, ModelConfig.Read(file), new() { Threads = 1, TotalBlocks = 8 }));
        var batch = new ForwardBatch();
        batch.Add(Tokens(1), 0, Blocks(0, 5), 3);
        var hidden = new float[3 * transformer.HiddenWidth];
        var logits = new float[3 * transformer.Vocabulary];

        transformer.ForwardHidden(batch, hidden);
        transformer.Forward(batch, logits);

        var embeddings = System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(file.Find("token_embd.weight")!.Span);
        for (var i = 0; i < logits.Length; i++)
        {
            var (row, token) = (i / transformer.Vocabulary, i % transformer.Vocabulary);
            var sum = 0.0;
            for (var d = 0; d < model.Dim; d++) sum += (double)hidden[row * model.Dim + d] * embeddings[token * model.Dim + d];
            Assert.Equal(sum, logits[i], 1e-3);
        }
    }

    // With one thread all of the step is on the thread that is looked at; with two, its half and the meeting of the team.
    [Theory, InlineData(1), InlineData(2)]
    public void A_warm_step_allocates_nothing(int threads)
    {
        var transformer = Open("mixture of experts, Q4_0", new() { Threads = threads, TotalBlocks = 40 });
        var batch = new ForwardBatch();
        batch.Add(Tokens(1).AsSpan(0, 40), 0, Blocks(0, 5), 1);
        batch.Add(Tokens(2).AsSpan(0, 1), 0, Blocks(5, 5), 1);
        var logits = new float[2 * transformer.Vocabulary];
        for (var i = 0; i < 3; i++) transformer.Forward(batch, logits);

        // The runtime sets things up once, in whichever round first comes there. What a step allocates shows in every round.
        var least = long.MaxValue;
        for (var round = 0; round < 6 && least > 0; round++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < 10; i++) transformer.Forward(batch, logits);
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.Equal(0, least);
    }

    private sealed class Run(int[] tokens, int[] blocks)
    {
        public int[] Tokens => tokens;
        public int[] Blocks { get; private set; } = blocks;
        public int Computed { get; set; }

        /// <summary>Bits of the logits at every position.</summary>
        public int[][] Logits { get; } = new int[tokens.Length][];

        public void MoveBlocks(Transformer from, Transformer to, int first)
        {
            var places = BatchInvarianceTests.Blocks(first, Blocks.Length);
            var held = Blocks.Select(block =>
            {
                var bytes = new byte[from.BlockBytes];
                from.ExportBlock(block, bytes);
                return bytes;
            }).ToArray();
            for (var i = 0; i < places.Length; i++) to.ImportBlock(held[i], places[i]);
            Blocks = places;
        }
    }

    private static void Step(Transformer transformer, params (Run Run, int Rows)[] parts)
    {
        var batch = new ForwardBatch();
        foreach (var (run, rows) in parts) batch.Add(run.Tokens.AsSpan(run.Computed, rows), run.Computed, run.Blocks, rows);
        var logits = new float[batch.LogitRows * transformer.Vocabulary];
        transformer.Forward(batch, logits);
        var bits = logits.Select(BitConverter.SingleToInt32Bits).Chunk(transformer.Vocabulary).ToArray();
        var at = 0;
        foreach (var (run, rows) in parts)
        {
            for (var i = 0; i < rows; i++) run.Logits[run.Computed + i] = bits[at++];
            run.Computed += rows;
        }
    }

    private int[][] Reference(string model, int[] sequence)
    {
        var run = new Run(sequence, Blocks(0, 5));
        Step(Open(model, new() { Threads = 1, TotalBlocks = 8 }), (run, Length));
        return run.Logits;
    }

    private Transformer Open(string model, TransformerOptions? options = null)
    {
        var file = File(s_models[model]);
        return Keep(new Transformer(file, ModelConfig.Read(file), options ?? new() { Threads = 1, TotalBlocks = 40 }));
    }

    private GgufFile File(RandomModel model)
    {
        var onDisk = Keep(new TestModelFile(model.AddTo(new GgufWriter())));
        return Keep(GgufFile.Open(onDisk.Path));
    }

    private T Keep<T>(T resource)
        where T : IDisposable
    {
        _open.Add(resource);
        return resource;
    }

    private static int[] Tokens(int seed)
    {
        var rng = new Rng((ulong)seed).Fork("tokens");
        return [.. Enumerable.Range(0, Length).Select(_ => rng.Next(200))];
    }

    private static int[] Blocks(int first, int count) => [.. Enumerable.Range(first, count).Reverse()];
}
