using Sluice.Core;

namespace Sluice.Simulation;

internal enum TimerKind : byte { Fault, Submit, Patience, Release, Cancel }

/// <summary>Something due at an instant, besides arrivals and engine turns.</summary>
internal readonly record struct Timer(
    TimerKind Kind, int Index, EngineId Engine, Request? Request = null, TokenEstimate Predicted = default);
