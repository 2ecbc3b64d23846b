namespace Sluice.Storage;

/// <param name="CompletionWindow">As the client wrote it.</param>
/// <param name="Metadata">JSON object, or null.</param>
/// <param name="OutputSeconds">Seconds that output files live; null for ever.</param>
/// <param name="Created">Unix seconds.</param>
/// <param name="Expires">End of the window, Unix seconds.</param>
public sealed record NewBatch(
    string Id, string Tenant, string Endpoint, string InputFile, string CompletionWindow, string? Metadata,
    long? OutputSeconds, long Created, long Expires);

/// <summary>When each state was entered, Unix seconds; null for states it was not in.</summary>
public readonly record struct BatchTimes(
    long? InProgress, long? Finalizing, long? Completed, long? Failed, long? Expired, long? Cancelling, long? Cancelled);

/// <summary>Lines by how they ended. Those of a batch that has ended add up: total = completed + failed.</summary>
public readonly record struct BatchCounts(long Total, long Completed, long Failed);

/// <summary>Tokens that answers reported.</summary>
/// <param name="Cached">Input tokens found in a prefix cache.</param>
/// <param name="Reasoning">Output tokens spent on reasoning.</param>
public readonly record struct TokenUsage(long Input, long Cached, long Output, long Reasoning);

/// <param name="Model">Known once validated; null before.</param>
/// <param name="Errors">JSON array of what validation found, or null.</param>
public sealed record StoredBatch(
    NewBatch Asked, BatchStatus Status, string? Model, string? Errors, string? OutputFile, string? ErrorFile,
    BatchTimes Times, BatchCounts Counts, TokenUsage Usage)
{
    public string Id => Asked.Id;
}
