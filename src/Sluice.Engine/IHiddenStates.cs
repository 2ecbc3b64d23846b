namespace Sluice.Engine;

/// <summary>A model that also gives what it computes logits from: the states that embeddings are pooled from.</summary>
public interface IHiddenStates
{
    /// <summary>Floats per row.</summary>
    int HiddenWidth { get; }

    /// <summary>As <see cref="ITransformer.Forward"/>, but gives the states after the final norm in place of
    /// logits.</summary>
    /// <param name="hidden">At least <see cref="ForwardBatch.LogitRows"/> × <see cref="HiddenWidth"/>.</param>
    void ForwardHidden(ForwardBatch batch, Span<float> hidden);
}
