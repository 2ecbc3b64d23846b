using Sluice.Core;

namespace Sluice.Policies;

/// <summary>Everything is accepted.</summary>
public sealed class AcceptAll : IAdmissionPolicy
{
    public Admission Decide(Request request, ClusterView view) => Admission.Accept;
}

/// <summary>Refuses when too many requests are queued already.</summary>
/// <param name="queuedMax">Requests that may wait in the dispatcher, at least 1.</param>
public sealed class QueueLimit(int queuedMax) : IAdmissionPolicy
{
    public Admission Decide(Request request, ClusterView view) =>
        view.Queued < queuedMax ? Admission.Accept : Admission.Reject(RejectReason.QueueFull, TimeSpan.FromSeconds(1));
}
