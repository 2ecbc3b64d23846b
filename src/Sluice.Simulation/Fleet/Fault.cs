using Sluice.Core;

namespace Sluice.Simulation;

public enum FaultKind : byte
{
    /// <summary>The caller of request <see cref="Fault.Target"/> leaves.</summary>
    Cancel,

    /// <summary>Engine <see cref="Fault.Target"/> dies with all it was computing.</summary>
    LoseEngine,

    /// <summary>Engine <see cref="Fault.Target"/> is there again, empty.</summary>
    JoinEngine,

    /// <summary>The next load of a model on engine <see cref="Fault.Target"/> fails when it would be done.</summary>
    FailLoad,
}

/// <summary>Something that goes wrong at a given instant.</summary>
/// <param name="Target">A request's or an engine's index.</param>
public readonly record struct Fault(Instant At, FaultKind Kind, int Target);
