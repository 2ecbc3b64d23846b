namespace Sluice.Core;

public enum RejectReason
{
    None,
    QueueFull,
    SloUnreachable,
    ModelUnknown,
    TenantOverQuota,

    /// <summary>No engine could load it; the next try is a while away.</summary>
    ModelFailed,
}

/// <summary>Accepted, or rejected with a reason that is also the metric label and the HTTP answer.</summary>
public readonly record struct Admission(RejectReason Reason, TimeSpan RetryAfter)
{
    public static Admission Accept => default;
    public bool IsAccepted => Reason is RejectReason.None;
    public static Admission Reject(RejectReason reason, TimeSpan retryAfter) => new(reason, retryAfter);
}

/// <summary>Decides at arrival whether a request may enter the queue.</summary>
public interface IAdmissionPolicy
{
    Admission Decide(Request request, ClusterView view);
}
