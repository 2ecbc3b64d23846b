namespace Sluice.Storage;

/// <summary>States of a batch, named as in the API once written in snake case.</summary>
public enum BatchStatus : byte
{
    Validating,
    InProgress,
    Finalizing,
    Completed,
    Failed,
    Expired,
    Cancelling,
    Cancelled,
}

public static class BatchStatuses
{
    public static string ToText(this BatchStatus status) => status switch
    {
        BatchStatus.Validating => "validating",
        BatchStatus.InProgress => "in_progress",
        BatchStatus.Finalizing => "finalizing",
        BatchStatus.Completed => "completed",
        BatchStatus.Failed => "failed",
        BatchStatus.Expired => "expired",
        BatchStatus.Cancelling => "cancelling",
        BatchStatus.Cancelled => "cancelled",
        _ => throw new ArgumentOutOfRangeException(nameof(status), status, "not a status"),
    };

    /// <summary>True if nothing will change any more.</summary>
    public static bool IsEnd(this BatchStatus status) =>
        status is BatchStatus.Completed or BatchStatus.Failed or BatchStatus.Expired or BatchStatus.Cancelled;

    /// <exception cref="StorageException">Not the text of a status.</exception>
    internal static BatchStatus Parse(string text)
    {
        foreach (var status in Enum.GetValues<BatchStatus>())
            if (status.ToText() == text) return status;
        throw new StorageException($"the store holds a batch with the unknown status '{text}'");
    }
}
