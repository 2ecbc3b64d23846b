namespace Sluice.Core;

public enum SequencePhase : byte
{
    Free,

    /// <summary>Holds no KV; stands in the engine's waiting queue.</summary>
    Waiting,

    /// <summary>Holds KV for part of its known tokens.</summary>
    Prefilling,

    /// <summary>In the decoding set: advances by one token in each step that advances decodes.</summary>
    Decoding,

    /// <summary>Holds KV, but the scheduler keeps it out of the decoding set.</summary>
    Paused,

    /// <summary>KV in host memory.</summary>
    Swapped,

    /// <summary>Evicted, with its KV in host memory; not the engine's business until it is submitted again.</summary>
    Parked,

    /// <summary>On its way into the batch with KV it already has: from host memory, or from another engine.</summary>
    Returning,

    /// <summary>Finished, kept in its batch until the whole batch has (static batching).</summary>
    Held,

    /// <summary>Gone, but its place in the waiting queue is not yet cleared.</summary>
    Removed,

    /// <summary>Waits for a tool in the middle of its answer; see <see cref="Sequence.Handling"/> for its KV.</summary>
    Calling,

    /// <summary>In this step with its newest token and drafts of those after it; in the decoding set again when the step
    /// ends.</summary>
    Verifying,
}

/// <summary>A request inside an engine. Progress is two numbers, tokens known and tokens computed; prefill and decode are
/// the same thing at different distances between them (the view vLLM's v1 scheduler takes).</summary>
/// <remarks>While a sequence decodes, its numbers follow from the decoding set's clock and the fields here stand still;
/// read them through <see cref="Step"/>.</remarks>
public struct Sequence
{
    public Request Request { get; internal set; }

    /// <summary>Predicted output length over the whole answer.</summary>
    public TokenEstimate Predicted { get; internal set; }

    public SequencePhase Phase { get; internal set; }
    public int Preemptions { get; internal set; }

    /// <summary>When its first token came out of this engine; <see cref="Instant.Never"/> before.</summary>
    public Instant FirstTokenAt { get; internal set; }

    /// <summary>The engine may hand it back with <see cref="Step.Decline"/>: another one will try.</summary>
    public bool MayDecline { get; internal set; }

    /// <summary>Position in the order of submission to this engine.</summary>
    public long Order { get; internal set; }

    /// <summary>What became of its KV while it waits for a tool.</summary>
    public CallHandling Handling { get; internal set; }

    /// <summary>Tools called and answered, or being called.</summary>
    public int CallsMade { get; internal set; }

    /// <summary>Tokens of its context that are not its own output: the prompt, and what tools answered.</summary>
    public readonly int GivenTokens => Request.PromptTokens + ToolTokens;

    /// <summary>Tools it will call, in order; null for none. Policies cannot see them.</summary>
    internal ToolCall[]? Calls { get; set; }

    /// <summary>Tokens that tools answered.</summary>
    internal int ToolTokens { get; set; }

    /// <summary>When it ends: the true length where it is known to the driver, else the caller's cap. Policies cannot see
    /// it.</summary>
    internal int OutputLimit { get; set; }

    internal int Computed { get; set; }
    internal int Output { get; set; }

    /// <summary>Output tokens less the decoding set's clock, constant while it decodes.</summary>
    internal long OutputOffset { get; set; }

    internal long JoinedAtClock { get; set; }
    internal EngineTime LastTokenAt { get; set; }

    /// <summary>Lateness of its latest token so far [ticks]; see <see cref="ReaderLag"/>.</summary>
    internal long WorstLag { get; set; }

    internal int Previous { get; set; }
    internal int Next { get; set; }
    internal bool HasStarted { get; set; }

    /// <summary>While returning: its KV comes from another engine, so room for it is admitted, not swapped in.</summary>
    internal bool IsMigrating { get; set; }

    /// <summary>While returning: its KV never left, because it was kept while a tool worked.</summary>
    internal bool IsPreserved { get; set; }

    /// <summary>Encoder work is done with the first chunk and not again after preemption.</summary>
    internal bool IsEncoded { get; set; }

    internal readonly int Known => GivenTokens + Output;

    /// <summary>Output tokens at which it stops decoding: its end, or a tool's call.</summary>
    internal readonly int SegmentEnd => Calls is { } calls && CallsMade < calls.Length
        ? Math.Min(calls[CallsMade].After, OutputLimit)
        : OutputLimit;
}
