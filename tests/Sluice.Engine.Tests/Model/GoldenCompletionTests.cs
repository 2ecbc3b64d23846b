using System.Text.Json;

namespace Sluice.Engine.Tests;

/// <summary>What llama.cpp, and a pass in float64, make of small models. A case is computed in one step, prompt and golden tokens
/// together: that chunking changes nothing is <see cref="BatchInvarianceTests"/>' business.</summary>
public sealed class GoldenCompletionTests
{
    public static TheoryData<string> Models => SharedData.Golden is null
        ? new TheoryData<string> { "" }
        : [.. Directory.GetFiles(SharedData.File("completions")).Select(f => Path.GetFileNameWithoutExtension(f)).Order(StringComparer.Ordinal)];

    [GoldenTheory, MemberData(nameof(Models))]
    public void Log_probabilities_and_tokens_are_the_golden_ones(string model)
    {
        using var file = GgufFile.Open(SharedData.Model(model));
        using var transformer = new Transformer(file, ModelConfig.Read(file), new() { Threads = 2, TotalBlocks = 32, ContextMax = 512 });
        var worst = 0.0;
        double sum = 0, count = 0;

        foreach (var line in File.ReadLines(SharedData.File("completions", model + ".jsonl")))
        {
            var golden = JsonSerializer.Deserialize<Golden>(line, s_web)!;
            var logProbabilities = Compute(transformer, golden);
            for (var i = 0; i < golden.ExactTop.Length; i++)
            {
                for (var j = 0; j < golden.ExactTop[i].Length; j++)
                {
                    // The pairs of top hold the ids.
                    var off = Math.Abs(logProbabilities[i][(int)golden.Top[i][j][0]] - golden.ExactTop[i][j]);
                    (worst, sum, count) = (Math.Max(worst, off), sum + off, count + 1);
                }
            }

            var isExact = model.EndsWith("-F32", StringComparison.Ordinal);
            for (var i = 0; i < (isExact ? golden.Tokens.Length : golden.Stable); i++)
                Assert.True(First(logProbabilities[i]) == golden.Tokens[i], $"{model}, {golden.Case}: another token at {i}");
            for (var i = 0; isExact && i < golden.Tokens.Length; i++)
                Assert.InRange(logProbabilities[i][golden.Tokens[i]], golden.Logprobs[i] - 1e-4, golden.Logprobs[i] + 1e-4);
        }

        Assert.True(worst <= 1e-4 && sum / count <= 2e-5, $"{model}: off by at most {worst:g3}, {sum / count:g3} in the mean");
    }

    private static readonly JsonSerializerOptions s_web = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    private sealed record Golden(
        string Case, int[] Prompt, int[] Tokens, double[] Logprobs, double[][][] Top, double[][] ExactTop, int Stable);

    /// <summary>For every golden token, over the vocabulary.</summary>
    private static double[][] Compute(Transformer transformer, Golden golden)
    {
        int[] tokens = [.. golden.Prompt, .. golden.Tokens[..^1]];
        var batch = new ForwardBatch();
        batch.Add(tokens, 0, Enumerable.Range(0, transformer.TotalBlocks).ToArray(), golden.Tokens.Length);
        var logits = new float[golden.Tokens.Length * transformer.Vocabulary];
        transformer.Forward(batch, logits);
        return [.. logits.Chunk(transformer.Vocabulary).Select(LogSoftmax)];
    }

    private static double[] LogSoftmax(float[] logits)
    {
        var most = (double)logits.Max();
        var log = most + Math.Log(logits.Sum(l => Math.Exp(l - most)));
        return [.. logits.Select(l => l - log)];
    }

    private static int First(double[] of) => Array.IndexOf(of, of.Max());
}
