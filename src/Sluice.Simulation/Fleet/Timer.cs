using Sluice.Core;

namespace Sluice.Simulation;

internal enum TimerKind : byte
{
    Fault,

    /// <summary>A request whose media are prepared reaches its engine.</summary>
    Submit,

    /// <summary>A caller loses patience.</summary>
    Patience,

    /// <summary>A program's next stage arrives.</summary>
    Release,

    /// <summary>A cancellation reaches a request that was on its way to its engine.</summary>
    Cancel,
    ModelLoaded,

    /// <summary>A spare engine's start-up is over.</summary>
    Started,

    /// <summary>A migrating request's KV is copied but for what it decoded meanwhile.</summary>
    Copied,

    /// <summary>A migrating request arrives at its new engine.</summary>
    Attach,
}

/// <summary>Something due at an instant, besides arrivals and engine turns.</summary>
internal readonly record struct Timer(
    TimerKind Kind, int Index, EngineId Engine, Request? Request = null, TokenEstimate Predicted = default, ModelId Model = default);
