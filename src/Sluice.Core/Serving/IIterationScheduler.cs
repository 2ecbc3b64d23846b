namespace Sluice.Core;

/// <summary>Composes the batch of one iteration: who advances by how many tokens, and who gives way when blocks run
/// out.</summary>
public interface IIterationScheduler
{
    /// <summary>Decides one step through <see cref="Step"/>'s operations. Called with an empty batch; leaving it empty
    /// idles the engine until something changes.</summary>
    void Compose(Step step);

    /// <summary>True if, while nobody arrives, ends or is in prefill and blocks suffice, composing again would decide the
    /// same. The simulator then takes many such steps at once; a test holds it to be exact.</summary>
    bool IsStable { get; }

    /// <summary>Order of the engine's waiting queue; null for first come, first served, with preempted sequences at the
    /// front.</summary>
    IWaitingOrder? WaitingOrder => null;

    /// <summary>True if nobody leaves the batch before everybody has finished (static batching).</summary>
    bool RetiresTogether => false;

    /// <summary>Steps after which a batch that <see cref="RetiresTogether">retires together</see> ends as it is: whoever is not
    /// finished goes back to the queue as evicted, without its KV. 0 for never.</summary>
    int SliceSteps => 0;

    /// <summary>An answer calls a tool: what becomes of its KV meanwhile. vLLM sees a request that ended, and another
    /// later.</summary>
    CallHandling HandleCall(Step step, int sequence) => CallHandling.Recompute;

    /// <summary>The tool has answered; for averages.</summary>
    void OnCallEnded(in Sequence sequence, in ToolCall call)
    {
    }
}

/// <summary>A fixed key per sequence, smaller first; ties go by submission order.</summary>
public interface IWaitingOrder
{
    /// <summary>Evaluated when the sequence enters the queue.</summary>
    long KeyOf(in Sequence sequence);
}
