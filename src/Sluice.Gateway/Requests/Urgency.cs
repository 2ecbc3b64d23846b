using Sluice.Core;

namespace Sluice.Gateway;

/// <summary>How urgent a request is, on the gateway's one scale.</summary>
/// <param name="IsOwnPatience">The limit of the wait is the caller's own, not its class's.</param>
internal readonly record struct Urgency(
    ClassId Class, Slo Slo, int Priority, TimeSpan QueueMax, bool IsOwnPatience, bool Refuses, Interruption OnInterruption);
