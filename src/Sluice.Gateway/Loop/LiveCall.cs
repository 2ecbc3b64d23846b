using Sluice.Core;
using Sluice.Upstreams;

namespace Sluice.Gateway;

/// <summary>What somebody wants of an engine, and what they were promised.</summary>
public sealed record LiveCall
{
    public required UpstreamApi Api { get; init; }

    /// <summary>As callers name it, aliases resolved.</summary>
    public required string Model { get; init; }

    /// <summary>The caller's JSON object.</summary>
    public required ReadOnlyMemory<byte> Body { get; init; }

    /// <summary>Whether the engine is to stream, which is not always what the caller gets.</summary>
    public bool Stream { get; init; }

    /// <summary>Correlates logs, ours and the engine's.</summary>
    public required string ExternalId { get; init; }

    /// <summary>The caller's place in a trace, as W3C's <c>traceparent</c> and <c>tracestate</c>; null where nobody traces.</summary>
    public string? TraceParent { get; init; }
    public string? TraceState { get; init; }

    /// <summary>OpenAI's tier that the answer names; null for none.</summary>
    public string? ServiceTier { get; init; }

    public ClassId Class { get; init; }
    public TenantId Tenant { get; init; }
    public Slo Slo { get; init; } = Slo.BestEffort;

    /// <summary>Smaller is served first.</summary>
    public int Priority { get; init; }

    /// <summary>Estimated.</summary>
    public int PromptTokens { get; init; } = 1;

    /// <summary>The caller's own limit, or what is assumed.</summary>
    public int OutputTokensMax { get; init; } = 1;

    public Interruption OnInterruption { get; init; }

    /// <summary>An answer of this kind can be continued from its text: one choice, and only text in it.</summary>
    public bool IsText { get; init; }

    /// <summary>Refuse it at once when it would probably miss its promise.</summary>
    public bool Refuses { get; init; }

    /// <summary>Longest wait in the queue.</summary>
    public TimeSpan QueueMax { get; init; } = TimeSpan.MaxValue;
}

public enum LiveEnd : byte
{
    Completed,

    /// <summary>Not taken into the queue; see <see cref="LiveOutcome.Admission"/>.</summary>
    Rejected,

    /// <summary>It waited in the queue for longer than <see cref="LiveCall.QueueMax"/>.</summary>
    Expired,

    /// <summary>The caller left.</summary>
    Cancelled,

    /// <summary>The engine says that the call is wrong.</summary>
    Refused,

    /// <summary>Engines broke off, and it could not be continued or tried again.</summary>
    Broken,

    /// <summary>No engine serves the model now.</summary>
    NoEngine,

    /// <summary>The gateway is stopping.</summary>
    Stopping,

    /// <summary>No engine could load the model.</summary>
    ModelFailed,
}

/// <summary>How a call ended.</summary>
/// <param name="Call">Of the last engine it was on; default if it was on none.</param>
/// <param name="PromptTokens">Over the whole answer, as the engine counted; the estimate if it did not.</param>
/// <param name="OutputTokens">Over the whole answer, whatever number of engines it came from.</param>
public sealed record LiveOutcome(
    LiveEnd End, CallOutcome Call, int PromptTokens, int OutputTokens, Admission Admission = default,
    WaitForecast? Forecast = null)
{
    public bool IsCompleted => End == LiveEnd.Completed;
}
