namespace Sluice.Storage;

/// <summary>A line without a result.</summary>
/// <param name="Line">Line of the input file, from 1.</param>
/// <param name="Body">The request, JSON.</param>
public sealed record BatchLine(int Line, string CustomId, byte[] Body);

/// <param name="IsError">Goes to the error file instead of the output file.</param>
/// <param name="Content">The line of that file, JSON without a line feed.</param>
public sealed record LineResult(int Line, bool IsError, byte[] Content, TokenUsage Usage = default);

/// <summary>Lines of batches. A line is pending until its result is recorded, which happens exactly once.</summary>
public interface ILineStore
{
    /// <summary>Lines that are there already stay as they are.</summary>
    Task AddAsync(string batch, IReadOnlyList<BatchLine> lines, CancellationToken cancellation);

    /// <summary>Pending lines after a line, in order.</summary>
    Task<IReadOnlyList<BatchLine>> PendingAsync(string batch, int after, int limit, CancellationToken cancellation);

    /// <returns>False, and nothing is recorded, if the line has a result or the batch takes none any more.</returns>
    Task<bool> RecordAsync(string batch, LineResult result, CancellationToken cancellation);

    /// <summary>Results in the order of lines.</summary>
    IAsyncEnumerable<LineResult> ResultsAsync(string batch, CancellationToken cancellation);

    /// <summary>Forgets lines and results of batches that have ended: their files hold them.</summary>
    Task PurgeAsync(CancellationToken cancellation);
}
