using Sluice.Core;

namespace Sluice.Engine;

/// <summary>The sequences of one beam search. They share the KV of what they have in common: a beam that splits is forked,
/// copy on write, and one that is not followed further gives its blocks back.</summary>
/// <remarks>
/// Each member's logits give candidates; once all have them, the best of all candidates are followed. Until then a member
/// holds its own best one provisionally. Normally all members advance in one step and the newest token, whose KV is not
/// computed yet, is simply replaced. A scheduler may let some run ahead; what they computed on a wrong provisional token is
/// dropped and computed again. Ties go to the member that stands first, then to the smaller token.
/// </remarks>
internal sealed class BeamGroup(BeamOptions options, int outputMax)
{
    private readonly List<Candidate> _ranked = [];
    private readonly List<(double Score, int[] Output, EndReason Reason)> _finished = [];

    public List<LiveSequence> Members { get; } = [];
    public BeamOptions Options => options;

    /// <summary>Whole answers, best first; good once <see cref="TryDecide"/> says that it is over.</summary>
    public IReadOnlyList<(double Score, int[] Output, EndReason Reason)> Answers => _finished;

    /// <summary>Every member waits for the others no more.</summary>
    public bool CanDecide => Members.Count > 0 && Members.TrueForAll(m => m.Candidates!.Count > 0);

    /// <summary>Takes a member's candidates in.</summary>
    /// <returns>The best, which the member holds until the group decides.</returns>
    public int Collect(LiveSequence member, ReadOnlySpan<float> logits)
    {
        var top = Top(logits, Math.Min(2 * options.Width, logits.Length));
        member.Candidates!.Enqueue(top);
        return top[0].Token;
    }

    /// <summary>Chooses among all candidates.</summary>
    /// <param name="followed">Whom to follow with which token, and the score so far; at most the width.</param>
    /// <returns>False if the search is over.</returns>
    public bool TryDecide(List<(LiveSequence Parent, int Token, double Score)> followed)
    {
        _ranked.Clear();
        followed.Clear();
        for (var i = 0; i < Members.Count; i++)
            foreach (var (token, logprob) in Members[i].Candidates!.Peek())
                _ranked.Add(new(Members[i].BeamScore + logprob, i, token));
        _ranked.Sort();

        for (var rank = 0; rank < _ranked.Count && followed.Count < options.Width; rank++)
        {
            var (score, member, token) = _ranked[rank];
            if (!options.IsEnd(token)) followed.Add((Members[member], token, score));
            else if (rank < options.Width) Finish(Members[member], token, score, EndReason.Stop);
        }

        var length = Members[0].DecidedOutput + 1;
        if (_finished.Count < options.Width && length < outputMax && followed.Count > 0) return true;

        if (_finished.Count < options.Width)
            foreach (var (parent, token, score) in followed) Finish(parent, token, score, EndReason.Length);
        _finished.Sort(static (a, b) => b.Score.CompareTo(a.Score));
        return false;
    }

    private void Finish(LiveSequence parent, int token, double score, EndReason reason)
    {
        int[] output = [.. parent.Tokens.AsSpan(parent.PromptTokens, parent.DecidedOutput), token];
        _finished.Add((score / Math.Pow(output.Length, options.LengthPenalty), output, reason));
    }

    private static TokenLogprob[] Top(ReadOnlySpan<float> logits, int count)
    {
        var most = float.NegativeInfinity;
        foreach (var x in logits) most = Math.Max(most, x);
        var sum = 0.0;
        foreach (var x in logits) sum += Math.Exp(x - most);
        var normalizer = most + Math.Log(sum);

        // Insertion into a short list, so that ties keep the order of ids.
        var top = new TokenLogprob[count];
        var filled = 0;
        for (var token = 0; token < logits.Length; token++)
        {
            var logprob = (float)(logits[token] - normalizer);
            if (filled == count && logprob <= top[^1].Logprob) continue;
            var at = filled < count ? filled++ : count - 1;
            for (; at > 0 && top[at - 1].Logprob < logprob; at--) top[at] = top[at - 1];
            top[at] = new(token, logprob);
        }

        return top;
    }

    private readonly record struct Candidate(double Score, int Member, int Token) : IComparable<Candidate>
    {
        public int CompareTo(Candidate other) =>
            Score != other.Score ? other.Score.CompareTo(Score) : (Member, Token).CompareTo((other.Member, other.Token));
    }
}
