namespace Sluice.Storage;

/// <summary>Batches and their states. A change of state returns false, and does nothing, from a state it does not lead out
/// of; so each can be repeated.</summary>
public interface IBatchStore
{
    Task CreateAsync(NewBatch batch, CancellationToken cancellation);

    Task<StoredBatch?> FindAsync(string tenant, string id, CancellationToken cancellation);

    Task<Page<StoredBatch>> ListAsync(string tenant, PageQuery query, CancellationToken cancellation);

    /// <summary>Batches of all tenants that have not ended, oldest first.</summary>
    Task<IReadOnlyList<StoredBatch>> UnfinishedAsync(CancellationToken cancellation);

    /// <summary>From validating to in progress: all lines are there.</summary>
    Task<bool> StartAsync(string id, long lines, string? model, long now, CancellationToken cancellation);

    /// <summary>From validating to failed.</summary>
    /// <param name="errors">JSON array of what was wrong.</param>
    Task<bool> FailAsync(string id, string errors, long now, CancellationToken cancellation);

    /// <summary>From validating or in progress to cancelling.</summary>
    /// <returns>The batch as it is now; null if the tenant has none of that id.</returns>
    Task<StoredBatch?> CancelAsync(string tenant, string id, long now, CancellationToken cancellation);

    /// <summary>From in progress to finalizing: no result will come any more.</summary>
    Task<bool> FinalizeAsync(string id, long now, CancellationToken cancellation);

    /// <summary>Ends a batch that is finalizing or cancelling, and makes its files visible in the same moment. Lines without
    /// a result count as failed.</summary>
    Task<bool> FinishAsync(
        string id, BatchStatus end, FileWriter? output, FileWriter? errors, long now, CancellationToken cancellation);
}
