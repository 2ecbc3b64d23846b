using Sluice.Core;

namespace Sluice.Gateway;

/// <summary>Step time of an engine that nobody has measured, until the scheduler has learned by how much it is off.</summary>
/// <remarks>A dense model of about 8 billion weights on a data-centre GPU: 12 ms for a step, 0.03 ms for each sequence and
/// each prompt token in it, 0.0001 ms for each context token. Source: the profiles of the simulator, between an A100 and an
/// H100.</remarks>
internal sealed class AssumedStepTime : IStepTimeModel
{
    private const long Femtoseconds = 1_000_000_000_000; // in a millisecond

    public static AssumedStepTime Instance { get; } = new();

    public long PerContextToken => Femtoseconds / 10_000;

    public long StepTime(in BatchShape shape) =>
        12 * Femtoseconds + (shape.DecodeSequences + shape.PrefillTokens) * (Femtoseconds * 3 / 100)
            + shape.ContextTokens * PerContextToken;
}
