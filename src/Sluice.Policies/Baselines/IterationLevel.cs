using Sluice.Core;

namespace Sluice.Policies;

/// <summary>Iteration-level scheduling: after every step finished sequences leave and waiting ones join, prompts whole and
/// together with decodes.</summary>
/// <remarks>Source: Orca (OSDI 2022), selective batching. Orca reserves a sequence's whole KV range at admission, so nobody
/// ever gives way; with a paged cache, which it did not have, the last admitted does. First come first served.</remarks>
public sealed class IterationLevel : IIterationScheduler
{
    public bool IsStable => true;

    public void Compose(Step step)
    {
        while (!step.TryAdvanceDecodes()) step.Preempt(step.LastRunning);
        if (!step.SomeoneGaveWay || step.Running == 0) WholePrompts.Admit(step, keepFree: 0);
    }
}
