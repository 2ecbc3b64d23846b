namespace Sluice.Core;

/// <summary>Sums over a batch that determine how long its step takes.</summary>
public record struct BatchShape
{
    /// <summary>Tokens computed for prompts (or recomputed), over all chunks.</summary>
    public int PrefillTokens { get; set; }

    /// <summary>Sequences that produce one token each from one computed token.</summary>
    public int DecodeSequences { get; set; }

    /// <summary>Context lengths of the decoding sequences, summed [tokens].</summary>
    public long ContextTokens { get; set; }

    /// <summary>Twice the (query, key) pairs of the chunks: Σ chunk·(2·computed before + chunk). Twice, to stay whole.</summary>
    public long AttentionPairsTwice { get; set; }

    /// <summary>Tokens that encoders of images or audio produce in this step.</summary>
    public int EncoderTokens { get; set; }

    /// <summary>Tokens that encoders of videos produce. They cost more: models pool many patches of a frame into one.</summary>
    public int VideoTokens { get; set; }

    /// <summary>KV tokens moved between device and host before the step may run.</summary>
    public long SwappedTokens { get; set; }
}

/// <summary>Predicts how long a step takes.</summary>
/// <remarks>Must be linear in <see cref="BatchShape.ContextTokens"/> when nothing is prefilled, so that a run of decode
/// steps has a closed form.</remarks>
public interface IStepTimeModel
{
    /// <returns>Femtoseconds, at least 1.</returns>
    long StepTime(in BatchShape shape);

    /// <summary>Femtoseconds that one context token adds to a step without prefill.</summary>
    long PerContextToken { get; }
}

/// <summary>Runs one step and says how long it took: predicted in the simulator, measured in the embedded
/// engine.</summary>
public interface IModelRunner
{
    /// <returns>Femtoseconds, at least 1.</returns>
    long Run(Batch batch);

    /// <summary>The closed form behind <see cref="Run"/>; null when every step has to be run.</summary>
    IStepTimeModel? ClosedForm { get; }
}
