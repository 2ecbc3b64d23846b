using Sluice.Core;

namespace Sluice.Policies;

/// <summary>From when on an answer is paced.</summary>
public enum PaceAnchor
{
    /// <summary>The first token's deadline, or the first token if that came later: lenient after a miss.</summary>
    Later,

    /// <summary>The first token's deadline: a late answer has to catch up.</summary>
    Deadline,

    /// <summary>The first token: an early answer gains no slack. What a mean time per token measures.</summary>
    FirstToken,
}

/// <summary>When prompts and tokens are due.</summary>
/// <remarks>Promised a first token: due at arrival + TTFT, and a token every TPOT after it. Promised an end only: the prompt is due
/// so early that the predicted answer still fits at the batch pace. Promised nothing: never due.</remarks>
/// <param name="batchPace">Pace of answers that were promised an end only.</param>
/// <param name="deviations">Standard deviations added to the mean of predicted lengths.</param>
internal sealed class TokenDeadlines(PaceAnchor anchor, TimeSpan batchPace, double deviations)
{
    public static PaceAnchor Read(PolicySettings s) =>
        s.Word("anchor", "from when on an answer is paced", "later", "deadline", "first-token") switch
        {
            "deadline" => PaceAnchor.Deadline,
            "first-token" => PaceAnchor.FirstToken,
            _ => PaceAnchor.Later,
        };

    /// <summary>When the prompt has to be computed.</summary>
    public Instant OfPrompt(in Sequence s)
    {
        var request = s.Request;
        if (request.Slo.Ttft != TimeSpan.MaxValue) return request.FirstTokenDeadline;
        return request.Slo.E2e == TimeSpan.MaxValue
            ? Instant.Never
            : new(request.AnswerDeadline.Ticks - (long)(AnswerTokens(in s) * batchPace.Ticks));
    }

    /// <summary>When the next token of a decoding sequence has to be out.</summary>
    /// <param name="outputTokens">Out already.</param>
    public Instant OfNextToken(in Sequence s, int outputTokens)
    {
        var pace = PaceOf(s.Request);
        if (pace == TimeSpan.MaxValue || s.FirstTokenAt == Instant.Never) return Instant.Never; // The latter came from elsewhere.
        var due = OfPrompt(in s);
        var from = anchor switch
        {
            PaceAnchor.FirstToken => s.FirstTokenAt,
            PaceAnchor.Deadline when due != Instant.Never => due,
            _ => due != Instant.Never && due > s.FirstTokenAt ? due : s.FirstTokenAt,
        };
        return new(from.Ticks + outputTokens * pace.Ticks);
    }

    /// <summary>Time per token after the first; <see cref="TimeSpan.MaxValue"/> when nothing was promised about it.</summary>
    public TimeSpan PaceOf(Request request) =>
        request.Slo.Tpot != TimeSpan.MaxValue ? request.Slo.Tpot
        : request.Slo.E2e != TimeSpan.MaxValue ? batchPace
        : TimeSpan.MaxValue;

    /// <summary>Tokens of the answer, on the safe side.</summary>
    public double AnswerTokens(in Sequence s) => s.Predicted.Mean + deviations * Math.Sqrt(Math.Max(0, s.Predicted.Variance));
}
