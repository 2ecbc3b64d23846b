using Sluice.Core;
using Sluice.Engine;

namespace Sluice.Cli;

/// <summary>A step to be timed: so many decodes at one context length, and a piece of a prompt.</summary>
/// <param name="Context">Tokens that each decode attends to.</param>
/// <param name="Prefill">Prompt tokens, 0 for none.</param>
/// <param name="Before">Prompt tokens that are computed already.</param>
internal readonly record struct StepShape(int Decodes, int Context, int Prefill, int Before)
{
    private static readonly int[] s_decodes = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64];
    private static readonly int[] s_contexts = [32, 128, 512, 1536];
    private static readonly int[] s_prefills = [8, 16, 32, 64, 128, 192, 256, 384, 512, 1024];

    public BatchShape Batch => new()
    {
        DecodeSequences = Decodes,
        ContextTokens = (long)Decodes * Context,
        PrefillTokens = Prefill,
        AttentionPairsTwice = (long)Prefill * (2L * Before + Prefill),
    };

    /// <summary>Steps over the range in which an engine of these bounds works.</summary>
    public static IReadOnlyList<StepShape> Grid(ServingOptions bounds, int tokensMax)
    {
        var (tokenBudget, sequencesMax) = (bounds.TokenBudget, bounds.SequencesMax);
        int[] decodes = [.. s_decodes.Where(d => d <= sequencesMax)];
        int[] contexts = [.. s_contexts.Where(c => c < tokensMax)];
        int[] prefills = [.. s_prefills.Where(p => p <= Math.Min(tokenBudget, tokensMax - 1))];
        var shapes = new List<StepShape>();
        foreach (var d in decodes) shapes.AddRange(contexts.Select(c => new StepShape(d, c, 0, 0)));
        foreach (var p in prefills)
        {
            shapes.Add(new(0, 0, p, 0));
            if (2 * p < tokensMax) shapes.Add(new(0, 0, p, p));
        }

        foreach (var d in decodes.Where(d => d is 2 or 4 or 8 or 16 or 32))
            foreach (var p in prefills.Where(p => p is 16 or 64 or 256 && p + d <= tokenBudget))
                shapes.Add(new(d, contexts[Math.Min(1, contexts.Length - 1)], p, 0));
        return shapes;
    }
}

/// <summary>How long a shape took, over its repetitions [ms].</summary>
internal readonly record struct StepSample(StepShape Shape, double Milliseconds);
