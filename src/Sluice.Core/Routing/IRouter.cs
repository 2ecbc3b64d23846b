namespace Sluice.Core;

/// <summary>Chooses an engine for one request now.</summary>
public interface IRouter
{
    /// <returns>An engine whose snapshot <see cref="EngineSnapshot.CanTake">can take</see> the request, or
    /// <see cref="EngineId.None"/> to leave it queued.</returns>
    EngineId Pick(Request request, ClusterView view);

    /// <summary>True if it reads what engines report, so that the driver keeps the reports fresh.</summary>
    bool ReadsReports => false;

    /// <summary>A request went to an engine, by this router's choice or because the engine had room for the next one.</summary>
    void OnSent(Request request, EngineId engine, Instant now)
    {
    }

    /// <summary>A request's first token came.</summary>
    void OnFirstToken(Request request, EngineId engine, Instant now)
    {
    }

    /// <summary>A request is off its engine: finished, cancelled, failed, evicted, or its engine was lost.</summary>
    void OnOff(Request request, EngineId engine, EventKind how, int outputTokens, Instant now)
    {
    }
}
