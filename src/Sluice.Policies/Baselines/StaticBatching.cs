using Sluice.Core;

namespace Sluice.Policies;

/// <summary>Request-level batching: a batch is filled once, and nobody leaves it before the longest answer is done.</summary>
/// <remarks>The way of FasterTransformer and of every server before Orca. Answers that end early stay as padding, computed
/// and paid for, and are returned with the last. First come first served.</remarks>
public sealed class StaticBatching : IIterationScheduler
{
    public bool IsStable => true;
    public bool RetiresTogether => true;

    public void Compose(Step step)
    {
        if (step.Running == 0) WholePrompts.Admit(step, keepFree: 0);
        else while (!step.TryAdvanceDecodes()) step.Preempt(step.LastRunning);
    }
}
