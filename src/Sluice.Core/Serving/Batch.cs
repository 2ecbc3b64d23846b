using System.Runtime.InteropServices;

namespace Sluice.Core;

/// <summary>A piece of a prompt computed in one step.</summary>
public readonly record struct Chunk(int Sequence, int Tokens);

/// <summary>What the next step computes: pieces of prompts, and one token for every decoding sequence or for none. Reused
/// from step to step.</summary>
public sealed class Batch
{
    private readonly SequenceTable _table;
    private readonly DecodeSet _decodes;
    private readonly List<Chunk> _chunks = new(64);
    private BatchShape _shape;

    internal Batch(SequenceTable table, DecodeSet decodes) => (_table, _decodes) = (table, decodes);

    public ReadOnlySpan<Chunk> Chunks => CollectionsMarshal.AsSpan(_chunks);

    /// <summary>True if every sequence of the decoding set advances by one token.</summary>
    public bool AdvancesDecodes { get; internal set; }

    /// <summary>Sequences of the decoding set that advance in this step.</summary>
    public int Decodes => AdvancesDecodes ? _decodes.Count : 0;

    /// <summary>What the runner says of the step, besides how long it took.</summary>
    public StepOutcome Outcome { get; } = new();

    public ref readonly BatchShape Shape => ref _shape;
    public bool IsEmpty => !AdvancesDecodes && _chunks.Count == 0;

    public ref readonly Sequence this[int sequence] => ref _table[sequence];

    /// <param name="index">0 to <see cref="Decodes"/> − 1, in no particular order.</param>
    public int DecodeAt(int index) => _decodes.MemberAt(index);

    /// <summary>Tokens of a sequence whose KV is there before this step.</summary>
    public int ComputedTokens(int sequence)
    {
        ref var s = ref _table[sequence];
        return s.Phase == SequencePhase.Decoding ? _decodes.ComputedOf(in s) : s.Computed;
    }

    /// <summary>Tokens of a sequence that stand before this step: its prompt and what it has put out.</summary>
    public int KnownTokens(int sequence)
    {
        ref var s = ref _table[sequence];
        return s.Phase == SequencePhase.Decoding ? _decodes.ComputedOf(in s) + 1 : s.Known;
    }

    internal ref BatchShape MutableShape => ref _shape;

    internal void Add(int sequence, int tokens, int computedBefore)
    {
        _chunks.Add(new(sequence, tokens));
        _shape.PrefillTokens += tokens;
        _shape.AttentionPairsTwice += (long)tokens * (2L * computedBefore + tokens);
    }

    /// <summary>Takes back a sequence's chunk, if it has one.</summary>
    /// <returns>Tokens taken back, 0 if there was none.</returns>
    internal int Remove(int sequence, int computedBefore)
    {
        for (var i = 0; i < _chunks.Count; i++)
        {
            if (_chunks[i].Sequence != sequence) continue;
            var tokens = _chunks[i].Tokens;
            _chunks.RemoveAt(i);
            _shape.PrefillTokens -= tokens;
            _shape.AttentionPairsTwice -= (long)tokens * (2L * computedBefore + tokens);
            return tokens;
        }

        return 0;
    }

    internal void Clear()
    {
        _chunks.Clear();
        AdvancesDecodes = false;
        Outcome.Clear();
        _shape = default;
    }
}
