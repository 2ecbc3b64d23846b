using System.Runtime.InteropServices;

namespace Sluice.Core;

/// <summary>What a runner that really computes says of a step: who turned out to be done, which drafts held, and what it
/// guesses for the next step. A simulated runner says nothing.</summary>
public sealed class StepOutcome
{
    private readonly List<(int Sequence, int Tokens)> _ended = new(16);
    private readonly List<(int Sequence, int Tokens)> _drafts = new(16);
    private readonly List<int> _accepted = new(16);

    public ReadOnlySpan<(int Sequence, int Tokens)> Ended => CollectionsMarshal.AsSpan(_ended);
    public ReadOnlySpan<(int Sequence, int Tokens)> Drafts => CollectionsMarshal.AsSpan(_drafts);

    /// <summary>The sequence ends with this step: it chose its end token, or its text met a stop string.</summary>
    /// <param name="tokens">Output tokens it has of this step, at least 1.</param>
    public void End(int sequence, int tokens)
    {
        Check.That(tokens >= 1);
        _ended.Add((sequence, tokens));
    }

    /// <summary>The tokens after the newest one are guessed; the next step verifies them if it can.</summary>
    public void Draft(int sequence, int tokens)
    {
        Check.That(tokens >= 1);
        _drafts.Add((sequence, tokens));
    }

    /// <summary>So many of the drafts of a chunk were what the sequence chose.</summary>
    /// <param name="chunk">Index in <see cref="Batch.Chunks"/>.</param>
    /// <param name="tokens">0 to the chunk's tokens − 1.</param>
    public void Accept(int chunk, int tokens)
    {
        Check.That(tokens >= 0);
        while (_accepted.Count <= chunk) _accepted.Add(0);
        _accepted[chunk] = tokens;
    }

    internal int AcceptedOf(int chunk) => chunk < _accepted.Count ? _accepted[chunk] : 0;

    internal void Clear()
    {
        _ended.Clear();
        _drafts.Clear();
        _accepted.Clear();
    }
}
