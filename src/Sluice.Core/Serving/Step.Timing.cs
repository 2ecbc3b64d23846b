namespace Sluice.Core;

/// <content>How long the step takes that is being composed.</content>
public sealed partial class Step
{
    /// <summary>Predicts how long steps of this engine take: its fitted profile, or what its steps so far have taught.</summary>
    public IStepTimeModel StepTime { get; }

    /// <summary>How many tokens of a prompt fit into this step beside what it computes already, so that it takes at most a
    /// given time.</summary>
    /// <param name="computed">Tokens of the prompt computed before.</param>
    /// <param name="most">Upper bound wanted, at least 0.</param>
    /// <param name="femtoseconds">Predicted time of the whole step.</param>
    /// <returns>0 when even the step as it is takes longer. O(log most) predictions.</returns>
    public int ChunkWithin(long femtoseconds, int computed, int most)
    {
        var (fits, exceeds) = (0, most + 1);
        while (exceeds - fits > 1)
        {
            var middle = fits + (exceeds - fits) / 2;
            if (TimeWith(middle, computed) <= femtoseconds) fits = middle;
            else exceeds = middle;
        }

        return fits;
    }

    /// <summary>True if this step computes a piece of the sequence's prompt already. O(chunks).</summary>
    public bool IsInStep(int sequence)
    {
        foreach (var chunk in _batch.Chunks)
            if (chunk.Sequence == sequence) return true;
        return false;
    }

    /// <summary>Predicted time of this step if it computed so many tokens of a prompt besides [fs].</summary>
    public long TimeWith(int prefillTokens, int computed)
    {
        var shape = _batch.Shape;
        shape.PrefillTokens += prefillTokens;
        shape.AttentionPairsTwice += (long)prefillTokens * (2L * computed + prefillTokens);
        return StepTime.StepTime(in shape);
    }
}
