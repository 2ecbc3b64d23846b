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
}

/// <summary>Something that goes wrong at a given instant.</summary>
/// <param name="Target">A request's or an engine's index.</param>
public readonly record struct Fault(Instant At, FaultKind Kind, int Target);
