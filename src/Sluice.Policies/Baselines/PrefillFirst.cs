using Sluice.Core;

namespace Sluice.Policies;

public enum GiveWay
{
    /// <summary>Drop the blocks and compute the tokens again.</summary>
    Recompute,

    /// <summary>Move the blocks to host memory while there is room, else recompute.</summary>
    Swap,
}

public sealed record PrefillFirstOptions
{
    public GiveWay Preemption { get; init; } = GiveWay.Recompute;

    /// <summary>Share of all KV blocks that admission leaves free (vLLM v0: 0.01).</summary>
    public double Watermark { get; init; } = 0.01;
}

/// <summary>A step is either prompts, whole, or decodes; prompts come first.</summary>
/// <remarks>
/// Source: vLLM before its v1 scheduler, chunked prefill off. The order of a step:
/// <list type="number">
/// <item>unless somebody is swapped out, waiting prompts are admitted whole, first come first served, up to the token budget
/// (one that is longer than the budget goes alone);</item>
/// <item>if none was, swapped-out sequences come back, oldest first, as long as a block stays free for every
/// decode;</item>
/// <item>every decode takes one token; while blocks are short, whoever was admitted last gives way.</item>
/// </list>
/// vLLM brings sequences back after the decodes took their blocks; keeping a block for each comes to the same.
/// Prompts stall all decodes for their whole step, which is what chunked prefill later removed.
/// </remarks>
public sealed class PrefillFirst(PrefillFirstOptions options) : IIterationScheduler
{
    public bool IsStable => true;

    public void Compose(Step step)
    {
        var keepFree = (int)(options.Watermark * step.Cache.TotalBlocks);

        // 1. Prompts.
        if (step.Swapped.IsEmpty && WholePrompts.Admit(step, keepFree) > 0) return;

        // 2. Swapped sequences come back when the decodes alone would leave room for them.
        while (!step.Swapped.IsEmpty)
            if (!step.TrySwapIn(step.Swapped[0], keepFree + step.Decoding)) break;

        // 3. Decodes.
        while (!step.TryAdvanceDecodes())
        {
            var victim = step.LastRunning;
            if (options.Preemption is GiveWay.Recompute || !step.TrySwapOut(victim)) step.Preempt(victim);
        }

        // Everybody gave way: admit again rather than idle.
        if (step.Running == 0 && step.Swapped.IsEmpty) WholePrompts.Admit(step, keepFree: 0);
    }
}
