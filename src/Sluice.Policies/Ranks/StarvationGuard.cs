using Sluice.Core;

namespace Sluice.Policies;

/// <summary>Whoever is passed over for so many steps goes first for a number of steps of its own.</summary>
/// <remarks>Source: vllm-ltr (NeurIPS 2024). A sequence waits at most the threshold and the work of those promoted before it. Counts
/// new sequences too. O(1) per sequence and step.</remarks>
/// <param name="threshold">Steps without a token after which a sequence is promoted.</param>
/// <param name="quantum">Steps in which it gets tokens until it is demoted.</param>
internal sealed class StarvationGuard(int threshold, int quantum)
{
    private readonly SequenceStates<(int Idle, int Left)> _states = new();

    public bool IsFirst(int slot, in Sequence s) => _states.Of(slot, in s).Left > 0;

    /// <summary>Counts a sequence after a step was composed.</summary>
    public void Count(Step step, int slot)
    {
        ref readonly var s = ref step[slot];
        var (idle, left) = _states.Of(slot, in s);
        var isServed = s.Phase is SequencePhase.Decoding ? step.Shape.DecodeSequences > 0
            : s.Phase is SequencePhase.Prefilling && step.IsInStep(slot);
        if (isServed) (idle, left) = (0, Math.Max(0, left - 1));
        else idle++;
        if (idle >= threshold) (idle, left) = (0, quantum);
        _states.Set(slot, in s, (idle, left));
    }
}
