using Sluice.Core;

namespace Sluice.Policies;

/// <summary>Request-level batching: a batch is filled once, and nobody leaves it before the longest answer is done.</summary>
/// <remarks>The way of FasterTransformer and of every server before Orca. A batch takes whoever waits when the one before it
/// ends, up to the engine's sequence limit, prompts all in one step whatever the token budget. Answers that end early stay
/// as padding, computed and paid for, and are returned with the last. First come first served.</remarks>
/// <param name="sliceSteps">Steps after which a batch ends whoever is finished; 0 for never.</param>
public sealed class StaticBatching(int sliceSteps = 0) : IIterationScheduler
{
    public bool IsStable => true;
    public bool RetiresTogether => true;
    public int SliceSteps => sliceSteps;

    public void Compose(Step step)
    {
        if (step.Running > 0)
        {
            while (!step.TryAdvanceDecodes()) step.Preempt(LastUnfinished(step));
            if (step.Running > 0) return;
        }

        step.WidenBudget(int.MaxValue);
        WholePrompts.Admit(step, keepFree: 0);
    }

    private static int LastUnfinished(Step step)
    {
        var last = step.LastRunning;
        while (step[last].Phase is SequencePhase.Held) last = step.PreviousRunning(last);
        return last;
    }
}
