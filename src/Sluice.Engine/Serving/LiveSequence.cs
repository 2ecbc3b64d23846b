using Sluice.Core;

namespace Sluice.Engine;

public enum EndReason : byte
{
    /// <summary>An end token or a stop string.</summary>
    Stop,

    /// <summary>As many tokens as were asked for, or as fit.</summary>
    Length,

    Cancelled,

    /// <summary>Taken off the engine; it can go on later from where it stopped.</summary>
    Evicted,

    /// <summary>The engine broke.</summary>
    Failed,
}

/// <summary>One sequence with its content: what the core knows as numbers, the runner as token ids. Only touched on the
/// engine's thread.</summary>
internal sealed class LiveSequence
{
    public required Request Request { get; set; }
    public required int OutputLimit { get; init; }
    public required TokenEstimate Predicted { get; init; }
    public required ITokenChooser Chooser { get; init; }
    public required Generation Generation { get; set; }

    /// <summary>Which of the generation's answers this is, from 0.</summary>
    public required int Sample { get; init; }

    /// <summary>Room for prompt and longest answer, so that a token never allocates.</summary>
    public required int[] Tokens { get; init; }

    public required int Count { get; set; }
    public IDraft? Draft { get; init; }
    public int[] Drafts { get; init; } = [];
    public int DraftCount { get; set; }

    /// <summary>Answers to the same prompt that begin where this one's first token is chosen.</summary>
    public List<LiveSequence>? Siblings { get; set; }

    /// <summary>KV that came with it from another engine and is not in this one's memory yet.</summary>
    public SequenceImage? Image { get; set; }

    /// <summary>It began in another engine, which knows how much of its prompt was there already.</summary>
    public bool HasMoved { get; init; }

    /// <summary>Set once its last token is out.</summary>
    public EndReason? Ending { get; set; }

    /// <summary>The beam search that it is a member of.</summary>
    public BeamGroup? Beam { get; set; }

    /// <summary>Candidates that its group has not looked at yet, oldest first; null outside beam search.</summary>
    public Queue<TokenLogprob[]>? Candidates { get; set; }

    /// <summary>Sum of the log probabilities of its output.</summary>
    public double BeamScore { get; set; }

    /// <summary>Output tokens that its group has decided on; the newest one after them is provisional.</summary>
    public int DecidedOutput { get; set; }

    public bool IsEvicted { get; set; }
    public bool IsCancelled { get; set; }
    public Instant SubmittedAt { get; set; }
    public Instant FirstTokenAt { get; set; } = Instant.Never;
    public int CachedTokens { get; set; }
    public int Preemptions { get; set; }

    public int PromptTokens => Request.PromptTokens;
    public int OutputTokens => Count - Request.PromptTokens;
    public ReadOnlySpan<int> Known => Tokens.AsSpan(0, Count);
}
