namespace Sluice.Core;

/// <summary>An iteration scheduler around another one; see <see cref="GlobalDecorator"/>.</summary>
public abstract class IterationDecorator(IIterationScheduler inner) : IIterationScheduler
{
    protected IIterationScheduler Inner => inner;

    public virtual bool IsStable => inner.IsStable;
    public virtual IWaitingOrder? WaitingOrder => inner.WaitingOrder;
    public virtual bool RetiresTogether => inner.RetiresTogether;
    public virtual int SliceSteps => inner.SliceSteps;

    public virtual void Compose(Step step) => inner.Compose(step);

    public virtual CallHandling HandleCall(Step step, int sequence) => inner.HandleCall(step, sequence);

    public virtual void OnCallEnded(in Sequence sequence, in ToolCall call) => inner.OnCallEnded(in sequence, in call);
}
