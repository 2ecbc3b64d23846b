namespace Sluice.Core;

/// <summary>Chooses an engine for one request now.</summary>
public interface IRouter
{
    /// <returns>An engine whose snapshot <see cref="EngineSnapshot.CanTake">can take</see> the request, or
    /// <see cref="EngineId.None"/> to leave it queued.</returns>
    EngineId Pick(Request request, ClusterView view);

    /// <summary>True if it reads what engines report, so that the driver keeps the reports fresh.</summary>
    bool ReadsReports => false;
}
