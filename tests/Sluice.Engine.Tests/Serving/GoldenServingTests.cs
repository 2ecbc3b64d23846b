using System.Text.Json;
using Sluice.Policies;

namespace Sluice.Engine.Tests;

/// <summary>All golden prompts of a model at once through the loop: chunked, batched, with prefix cache and drafts.</summary>
public sealed class GoldenServingTests
{
    private static readonly JsonSerializerOptions s_snake = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    [GoldenTheory]
    [InlineData("llama-gqa-F32")]
    [InlineData("mixtral-moe-F16")]
    [InlineData("qwen3-qknorm-F16")]
    [InlineData("llama-rope-linear-F16")]
    public void Every_prompt_gets_its_golden_tokens(string name)
    {
        using var model = OpenModel.Open(SharedData.Model(name), new()
        {
            Scheduler = static () => new RunningFirst(new() { ChunkTokens = 40 }), Threads = 2, KvBytes = 6 << 20,
            Serving = new() { TokenBudget = 100, SequencesMax = 12 },
        });
        Golden[] cases =
        [
            .. File.ReadLines(SharedData.File("completions", name + ".jsonl")).Select(line => JsonSerializer.Deserialize<Golden>(line, s_snake)!),
        ];
        Recorder[] heard = [.. cases.Select(_ => new Recorder())];

        for (var i = 0; i < cases.Length; i++)
        {
            var isStopped = cases[i].Stop == "eos";
            model.Loop.Submit(new()
            {
                Prompt = cases[i].Prompt,
                MaxOutputTokens = 48,
                Chooser = _ => model.Text.Chooser(SamplingOptions.Greedy with { IgnoresEnd = !isStopped }),
                Sink = heard[i],
                Draft = i % 2 == 0 ? new PromptLookup(new()) : null,
            });
        }

        model.Loop.Drain();

        for (var i = 0; i < cases.Length; i++)
        {
            // Beyond what is stable, rounding of the weights' types decides, which is not the loop's business.
            var stable = name.EndsWith("F32", StringComparison.Ordinal) ? cases[i].Tokens.Length : cases[i].Stable;
            Assert.Equal(cases[i].Tokens[..stable], heard[i].Answer.Tokens[..stable]);
            if (cases[i].Stop == "eos" && stable == cases[i].Tokens.Length)
                Assert.Equal((EndReason.Stop, stable), (heard[i].Answer.End!.Value.Reason, heard[i].Answer.Tokens.Count));
        }
    }

    private sealed record Golden(string Case, int[] Prompt, int[] Tokens, string Stop, int Stable);
}
