using Sluice.Core;

namespace Sluice.Policies;

/// <summary>Admission without chunks: a prompt goes into one step, or waits.</summary>
internal static class WholePrompts
{
    /// <summary>Admits waiting sequences in queue order while their whole prompt fits the step's budget and the memory. A
    /// prompt longer than the budget goes as the only one of its step.</summary>
    /// <returns>How many were admitted.</returns>
    public static int Admit(Step step, int keepFree)
    {
        var admitted = 0;
        while (step.Waiting.Head is var next and >= 0)
        {
            var tokens = step.BehindTokens(next) - step.CachedTokens(next);
            if (tokens > step.Budget)
            {
                if (step.Shape.PrefillTokens > 0) break;
                step.WidenBudget(tokens);
            }

            if (!step.TryAdmit(next, tokens, wholePrompt: true, keepFree)) break;
            admitted++;
        }

        return admitted;
    }
}
