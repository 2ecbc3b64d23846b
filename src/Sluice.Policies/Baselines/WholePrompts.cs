using Sluice.Core;

namespace Sluice.Policies;

/// <summary>Admission without chunks: a prompt goes into one step, or waits.</summary>
internal static class WholePrompts
{
    /// <summary>Admits waiting sequences in queue order while their whole prompt fits the step's budget and the memory. A
    /// prompt longer than the budget goes as the only one of its step.</summary>
    /// <returns>How many were admitted, or went on after a tool had answered.</returns>
    public static int Admit(Step step, int keepFree)
    {
        var admitted = GoOn(step);
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

    /// <summary>Only a tool's answer leaves a running sequence with tokens to compute; they go first, whole. Whoever was admitted
    /// last gives way for them.</summary>
    private static int GoOn(Step step)
    {
        var count = 0;
        for (var i = 0; i < step.Prefilling.Length;)
        {
            var sequence = step.Prefilling[i];
            var tokens = step.BehindTokens(sequence);
            if (tokens > step.Budget)
            {
                if (step.Shape.PrefillTokens > 0) break;
                step.WidenBudget(tokens);
            }

            var hasRoom = step.TryChunk(sequence, tokens);
            while (!hasRoom && step.LastRunning != sequence)
            {
                step.Preempt(step.LastRunning);
                hasRoom = step.TryChunk(sequence, tokens);
            }

            if (!hasRoom) step.Preempt(sequence);
            else (i, count) = (step.Prefilling.IndexOf(sequence) + 1, count + 1);
        }

        return count;
    }
}
