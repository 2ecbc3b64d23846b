using Sluice.Core;

namespace Sluice.Engine;

/// <summary>One request for tokens, as an engine in process takes it.</summary>
public sealed record GenerationRequest
{
    /// <summary>Token ids, at least one.</summary>
    public required ReadOnlyMemory<int> Prompt { get; init; }

    /// <summary>Output that the caller has already, from before the answer was interrupted; it counts as output.</summary>
    public ReadOnlyMemory<int> OutputSoFar { get; init; }

    /// <summary>At least 1 more than <see cref="OutputSoFar"/>; what does not fit the context or the memory is cut.</summary>
    public required int MaxOutputTokens { get; init; }

    /// <summary>Answers wanted, 1 to 128. They share the prompt's KV.</summary>
    public int Samples { get; init; } = 1;

    /// <summary>Makes what chooses the tokens of each answer.</summary>
    public required Func<int, ITokenChooser> Chooser { get; init; }

    public required IGenerationSink Sink { get; init; }

    /// <summary>Search for the likeliest answers instead; <see cref="Samples"/> of them are given, whole at the end. Not
    /// together with drafts, and neither evicted nor moved.</summary>
    public BeamOptions? Beams { get; init; }

    /// <summary>Guesses tokens ahead; null for one token a step.</summary>
    public IDraft? Draft { get; init; }

    /// <summary>Most tokens guessed ahead, 1 to 16.</summary>
    public int DraftTokens { get; init; } = 4;

    public int Priority { get; init; }
    public Slo Slo { get; init; } = Slo.BestEffort;

    /// <summary>Predicted length of the whole answer, for schedulers that look at it; null for what may be asked at
    /// most.</summary>
    public TokenEstimate? Predicted { get; init; }
}

/// <summary>How one answer ended, and what it took.</summary>
/// <param name="CachedTokens">Prompt tokens whose KV was there already.</param>
/// <param name="SubmittedAt">When the engine took it in, on its own time line, as the two after it.</param>
/// <param name="FirstTokenAt"><see cref="Instant.Never"/> if there was none.</param>
/// <param name="Error">What broke; empty if nothing.</param>
public readonly record struct AnswerEnd(
    EndReason Reason, int PromptTokens, int OutputTokens, int CachedTokens, int Preemptions, Instant SubmittedAt,
    Instant FirstTokenAt, Instant EndedAt, string Error = "");

/// <summary>Takes the answers of a generation in. Called on the engine's thread: it hands on and returns.</summary>
public interface IGenerationSink
{
    void OnToken(int sample, in TokenChoice token);

    /// <summary>Once for every answer, after its last token.</summary>
    void OnEnd(int sample, in AnswerEnd end);
}

/// <summary>A generation inside an engine: the handle by which it is cancelled, evicted or moved.</summary>
public sealed class Generation
{
    internal Generation(IGenerationSink sink, int samples, bool isBeams = false)
    {
        (Sink, Samples) = (sink, samples);
        Sequences = isBeams ? [] : new LiveSequence[samples];
    }

    internal IGenerationSink Sink { get; }
    internal int Samples { get; }

    /// <summary>One for each answer; none of a beam search, whose members come and go.</summary>
    internal LiveSequence[] Sequences { get; }
}
