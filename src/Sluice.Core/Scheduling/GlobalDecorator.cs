namespace Sluice.Core;

/// <summary>A scheduler around another one: passes everything on, and whoever derives from it changes what it wants to. So a member
/// that joins the interface is passed on everywhere.</summary>
public abstract class GlobalDecorator(IGlobalScheduler inner) : IGlobalScheduler
{
    protected IGlobalScheduler Inner => inner;

    public virtual int TriesMax => inner.TriesMax;
    public virtual Instant PlanAt => inner.PlanAt;
    public virtual bool ReadsReports => inner.ReadsReports;
    public virtual bool PlansReadReports => inner.PlansReadReports;

    public virtual EngineId OnQueued(in QueuedRequest request, ClusterView view) => inner.OnQueued(in request, view);

    public virtual void OnWithdrawn(Request request, ClusterView view) => inner.OnWithdrawn(request, view);

    public virtual bool TryTake(EngineId engine, ClusterView view, out RequestId request) => inner.TryTake(engine, view, out request);

    public virtual void OnFirstToken(Request request, EngineId engine, ClusterView view) => inner.OnFirstToken(request, engine, view);

    public virtual void OnOff(Request request, EngineId engine, EventKind how, int outputTokens, ClusterView view) =>
        inner.OnOff(request, engine, how, outputTokens, view);

    public virtual void OnStayed(Request request, EngineId engine, ClusterView view) => inner.OnStayed(request, engine, view);

    public virtual void OnMoved(Request request, EngineId engine, ClusterView view) => inner.OnMoved(request, engine, view);

    public virtual void OnEngineChanged(EngineId engine, ClusterView view) => inner.OnEngineChanged(engine, view);

    public virtual void Plan(ClusterView view, Operations operations) => inner.Plan(view, operations);
}
