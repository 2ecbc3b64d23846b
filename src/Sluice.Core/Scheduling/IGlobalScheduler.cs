namespace Sluice.Core;

/// <summary>A request that is accepted and on no engine.</summary>
/// <param name="Predicted">Predicted length of the whole answer.</param>
/// <param name="OutputTokens">Tokens it has produced already, before an eviction or the loss of its engine.</param>
/// <param name="KvAt">Engine whose host memory holds its KV, so that it resumes there without prefill; or
/// <see cref="EngineId.None"/>.</param>
public readonly record struct QueuedRequest(Request Request, TokenEstimate Predicted, int OutputTokens, EngineId KvAt)
{
    /// <summary>Engines that have handed it back; see <see cref="IGlobalScheduler.TriesMax"/>.</summary>
    public int Declines { get; init; }
}

/// <summary>Owns the queue in front of the engines: who goes next, where, and what has to be moved for it.</summary>
/// <remarks>
/// The dispatcher tells it every change and asks it for the next request whenever an engine has room; it answers with
/// requests and, in <see cref="Plan"/>, with operations. Every request it was told of by <see cref="OnQueued"/> leaves it
/// exactly once: returned by <see cref="OnQueued"/> or <see cref="TryTake"/>, or withdrawn.
/// </remarks>
public interface IGlobalScheduler
{
    /// <summary>A request joins the queue: new, evicted, or from a lost engine.</summary>
    /// <returns>The engine that takes it at once, without queueing; it must be able to take it. Or
    /// <see cref="EngineId.None"/>: it is queued now.</returns>
    EngineId OnQueued(in QueuedRequest request, ClusterView view);

    /// <summary>Engines that may be asked for one request, each of which but the last may hand it back
    /// (<see cref="EventKind.Declined"/>). 1 where the first has to take it.</summary>
    int TriesMax => 1;

    /// <summary>A queued request's caller left.</summary>
    void OnWithdrawn(Request request, ClusterView view);

    /// <summary>Chooses the request that an engine with room takes next, and takes it out of the queue.</summary>
    /// <returns>False to leave the engine's free place empty.</returns>
    bool TryTake(EngineId engine, ClusterView view, out RequestId request);

    /// <summary>A dispatched request's first token came.</summary>
    void OnFirstToken(Request request, EngineId engine, ClusterView view)
    {
    }

    /// <summary>A dispatched request is off its engine: finished, cancelled, failed, evicted, or its engine was
    /// lost.</summary>
    void OnOff(Request request, EngineId engine, EventKind how, int outputTokens, ClusterView view)
    {
    }

    /// <summary>A dispatched request that was to be evicted cannot leave its engine, and runs on.</summary>
    void OnStayed(Request request, EngineId engine, ClusterView view)
    {
    }

    /// <summary>A dispatched request runs on another engine from now on, where <see cref="Operations.Migrate"/> had it
    /// moved.</summary>
    void OnMoved(Request request, EngineId engine, ClusterView view)
    {
    }

    /// <summary>An engine was lost, came, has another model loaded, or is to be asked for a model again or no longer
    /// (<see cref="EngineSnapshot.FailedModels"/>).</summary>
    void OnEngineChanged(EngineId engine, ClusterView view)
    {
    }

    /// <summary>When <see cref="Plan"/> is wanted next: now after a predicted violation, later for a slow tick, never for
    /// schedulers that do not plan.</summary>
    Instant PlanAt => Instant.Never;

    /// <summary>Reconsiders the order of everything queued and says what has to be moved.</summary>
    void Plan(ClusterView view, Operations operations)
    {
    }

    /// <summary>True if it reads what engines report, so that the driver keeps the reports fresh.</summary>
    bool ReadsReports => false;

    /// <summary>True if <see cref="Plan"/> reads what engines report; cheaper than keeping the reports always
    /// fresh.</summary>
    bool PlansReadReports => ReadsReports;
}
