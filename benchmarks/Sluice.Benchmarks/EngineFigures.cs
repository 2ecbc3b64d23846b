using System.Diagnostics;
using Sluice.Engine;
using Sluice.Testing;

namespace Sluice.Benchmarks;

/// <summary>The engine's speed on a model of 124.7 million random parameters, beside what memory and cores do in bare
/// loops.</summary>
internal static class EngineFigures
{
    private const int Prompt = 512;
    private const int Context = 128;
    private static readonly int[] s_batches = [1, 4, 8, 16];

    private static readonly (string Name, Func<string, GgufTensorType> TypeOf)[] s_weights =
    [
        ("F16", _ => GgufTensorType.F16),
        ("Q8_0", _ => GgufTensorType.Q8_0),
        ("Q4_K_M", name => name == "token_embd.weight" ? GgufTensorType.Q4_K : RandomModel.Q4KM(name, 12)),
    ];

    /// <summary>Llama.cpp's figures on two threads of the same kind of processor, otherwise idle (build 0.5.0, medians):
    /// tokens per second of prefill, then of decode at batch 1, 4, 8 and 16.</summary>
    private static readonly Dictionary<string, double[]> s_reference = new()
    {
        ["F16"] = [844, 152, 276, 376, 468],
        ["Q8_0"] = [983, 240, 304, 407, 505],
        ["Q4_K_M"] = [984, 344, 391, 432, 520],
    };

    public static void Print(int seconds, int[] threadCounts)
    {
        Console.WriteLine($"# Engine figures\n\n{Machine.Describe()}\n");
        Console.WriteLine("Best step of each kind by the clock; mean step by processor time per thread, which is what the clock would show if no");
        Console.WriteLine("neighbour took a core. Rates by processor time, beside what bare loops do: bytes of weights and KV against reading");
        Console.WriteLine("memory, operations against multiply-adds of floats; roofline is the larger share. Quantised weights are multiplied as");
        Console.WriteLine("whole numbers, two to the place of a float, so they may pass it. llama.cpp on an idle machine, 2 threads.\n");
        Console.WriteLine(LlamaCpp.IsHere
            ? "The last column is the best by the clock of both, in this run, on the same file.\n"
            : "llama-bench and llama-batched-bench are not on the path, so llama.cpp was not run beside this.\n");
        Console.WriteLine("| weights | threads | step | ms | ms processor | tokens/s | GB/s (loop) | GFLOP/s (loop) | roofline "
            + "| x llama.cpp, idle | x llama.cpp, here |");
        Console.WriteLine("|---|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|");
        using var roofline = new Roofline();
        foreach (var (name, typeOf) in s_weights)
        {
            var mid = RandomModel.Mid(typeOf);
            using var onDisk = new TestModelFile(mid.AddTo(new GgufWriter().AddSentencePiece(size: mid.Vocabulary)));
            using var file = GgufFile.Open(onDisk.Path);
            foreach (var threads in threadCounts)
            {
                double[]? theirs = LlamaCpp.IsHere ? LlamaCpp.Measure(onDisk.Path, threads, Prompt, s_batches, Context) : null;
                PrintModel(file, name, threads, seconds, roofline, theirs);
            }
        }
    }

    private static void PrintModel(GgufFile file, string name, int threads, int seconds, Roofline roofline, double[]? theirs)
    {
        var config = ModelConfig.Read(file);
        using var model = new Transformer(file, config, new() { Threads = threads, TotalBlocks = 16 * 16 });
        var kvToken = model.BlockBytes / (double)model.BlockTokens;
        var perToken = 2.0 * config.Layers * config.Dim * (config.Dim * 2 + 2 * config.KvWidth + 3 * config.FeedForward);
        var output = 2.0 * config.Dim * config.Vocabulary;
        var reference = s_reference[name];

        var batch = new ForwardBatch();
        var logits = new float[16 * config.Vocabulary];
        int[] tokens = [.. Enumerable.Range(0, Prompt).Select(i => i * 7919 % config.Vocabulary)];
        batch.Add(tokens, 0, Blocks(0, Prompt / model.BlockTokens), 1);
        var attention = 2.0 * Prompt * Prompt * config.QueryWidth * config.Layers;
        Row("prefill 512", Prompt, model.WeightBytes, Prompt * perToken + output + attention, 0);
        foreach (var (i, count) in s_batches.Index())
        {
            batch.Clear();
            for (var s = 0; s < count; s++) batch.Add(tokens.AsSpan(s, 1), Context, Blocks(16 * s, 16), 1);
            var seen = 4.0 * (Context + 1) * config.QueryWidth * config.Layers;
            Row($"decode, batch {count}", count, model.WeightBytes + count * kvToken * Context, count * (perToken + output + seen), i + 1);
        }

        void Row(string step, int count, double bytes, double flops, int column)
        {
            // The loops before and after, so that a neighbour who comes or goes is seen.
            var memory = roofline.BytesPerSecond(threads);
            var peak = Roofline.FlopsPerSecond(threads);
            var (clock, best) = Best(() => model.Forward(batch, logits), seconds, threads);
            memory = Math.Max(memory, roofline.BytesPerSecond(threads));
            peak = Math.Max(peak, Roofline.FlopsPerSecond(threads));
            var share = Math.Max(bytes / best / memory, flops / best / peak);
            var against = threads == 2 ? $"{count / best / reference[column]:0.00}" : "";
            var beside = theirs is null ? "" : $"{count / clock / theirs[column]:0.00}";
            Console.WriteLine($"| {name} | {threads} | {step} | {clock * 1e3:0.00} | {best * 1e3:0.00} | {count / best:0} "
                + $"| {bytes / best / 1e9:0.0} ({memory / 1e9:0.0}) | {flops / best / 1e9:0} ({peak / 1e9:0}) | {share:0 %} | {against} | {beside} |");
        }
    }

    /// <summary>Seconds of the best step by the clock, and of the mean one by processor time per thread.</summary>
    private static (double Clock, double Processor) Best(Action step, int seconds, int threads)
    {
        step();
        var (clock, steps) = (double.MaxValue, 0);
        var used = Environment.CpuUsage.TotalTime;
        for (var start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start).TotalSeconds < seconds; steps++)
        {
            var begin = Stopwatch.GetTimestamp();
            step();
            clock = Math.Min(clock, Stopwatch.GetElapsedTime(begin).TotalSeconds);
        }

        return (clock, (Environment.CpuUsage.TotalTime - used).TotalSeconds / threads / steps);
    }

    private static int[] Blocks(int first, int count) => [.. Enumerable.Range(first, count)];
}
