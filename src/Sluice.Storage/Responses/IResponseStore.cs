namespace Sluice.Storage;

/// <summary>A request that was accepted to be answered later, whether or not its caller stays.</summary>
/// <param name="Request">As it came, JSON.</param>
/// <param name="Response">The latest state of the answer, JSON; null before there is any.</param>
/// <param name="Created">Unix seconds.</param>
/// <param name="Expires">Unix seconds; null for never.</param>
public sealed record StoredResponse(
    string Id, string Tenant, string Endpoint, byte[] Request, byte[]? Response, bool IsFinished, long Created, long? Expires);

/// <summary>Background responses. Those unfinished are the durable part of the queue: they are taken up again after a
/// restart.</summary>
public interface IResponseStore
{
    Task AcceptAsync(StoredResponse response, CancellationToken cancellation);

    /// <summary>Keeps the final answer.</summary>
    /// <returns>False, and nothing changes, if it was finished or deleted.</returns>
    Task<bool> FinishAsync(string id, byte[] response, CancellationToken cancellation);

    Task<StoredResponse?> FindAsync(string tenant, string id, CancellationToken cancellation);

    Task<bool> DeleteAsync(string tenant, string id, CancellationToken cancellation);

    /// <summary>Accepted and not finished, in order of acceptance.</summary>
    IAsyncEnumerable<StoredResponse> UnfinishedAsync(CancellationToken cancellation);

    /// <returns>Expired responses deleted.</returns>
    Task<int> SweepAsync(long now, CancellationToken cancellation);
}
