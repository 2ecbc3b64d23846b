namespace Sluice.Core;

/// <summary>What an iteration scheduler may be built from besides its settings. How long steps take it reads from its
/// <see cref="Step.StepTime"/>.</summary>
/// <param name="Engine">Whose scheduler it is.</param>
/// <param name="Rng">A stream of randomness of this engine's own.</param>
/// <param name="TrueLength">True output length of a request [tokens], where the driver knows it; for oracles.</param>
/// <param name="TrueCalls">Tools that an answer calls, where the driver knows them; null for none.</param>
/// <param name="Lengths">The dispatcher's length predictor, for estimates that are refined while an answer grows; null where
/// the engine's loop runs apart from its dispatcher.</param>
public sealed record EngineContext(EngineId Engine, Rng Rng, Func<Request, int>? TrueLength = null, ILengthPredictor? Lengths = null,
    Func<Request, ToolCall[]?>? TrueCalls = null)
{
    /// <summary>Nothing is known but what the engine sees.</summary>
    public static EngineContext Bare { get; } = new(new(0), new Rng(0));
}

/// <summary>Makes the iteration scheduler of one engine.</summary>
/// <param name="context">Null for <see cref="EngineContext.Bare"/>.</param>
public delegate IIterationScheduler IterationFactory(EngineContext? context = null);
