using Sluice.Core;

namespace Sluice.Policies;

/// <summary>A feedback queue of several levels, each with twice the service of the one above: whoever has used up its level sinks to the
/// next, and a new one joins at the first level whose service holds its prompt.</summary>
/// <remarks>
/// Source: Wu et al., "Fast Distributed Inference Serving for Large Language Models" (FastServe, arXiv 2305.05920), skip-join MLFQ, as
/// told by the survey of Kossmann et al. (arXiv 2410.17840) [R]. Needs no prediction. Service is counted in decode steps, a prompt as so
/// many of them as its tokens take. Within a level by order of submission, where FastServe has the order of joining it [I]. What is
/// displaced keeps its KV, in host memory when it is short; a starved one goes first (see <see cref="RankedOptions"/>).
/// </remarks>
/// <param name="quantum">Service of the highest level [decode steps], at least 1.</param>
/// <param name="tokensPerStep">Prompt tokens that take as long as a decode step, at least 1.</param>
/// <param name="levels">Of the queue; the last has no end.</param>
public sealed class SkipJoin(int quantum, int tokensPerStep, int levels) : IRank
{
    /// <summary>Service changes it.</summary>
    public bool IsStable => false;

    public double Of(in RankView view) => LevelOf(view.Request.PromptTokens, view.Age);

    public int LevelOf(int promptTokens, int outputTokens)
    {
        double prompt = Math.Max(1, (promptTokens + tokensPerStep - 1) / tokensPerStep);
        var level = 0;
        while (level < levels - 1 && Service(level) < prompt) level++;

        var left = prompt + outputTokens;
        while (level < levels - 1 && left > Service(level)) left -= Service(level++);
        return level;
    }

    private double Service(int level) => quantum * Math.Pow(2, level);
}
