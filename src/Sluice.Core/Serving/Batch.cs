using System.Runtime.InteropServices;

namespace Sluice.Core;

/// <summary>A piece of a prompt computed in one step.</summary>
public readonly record struct Chunk(int Sequence, int Tokens);

/// <summary>What the next step computes: pieces of prompts, and one token for every decoding sequence or for none. Reused
/// from step to step.</summary>
public sealed class Batch
{
    private readonly List<Chunk> _chunks = new(64);
    private BatchShape _shape;

    public ReadOnlySpan<Chunk> Chunks => CollectionsMarshal.AsSpan(_chunks);

    /// <summary>True if every sequence of the decoding set advances by one token.</summary>
    public bool AdvancesDecodes { get; internal set; }

    public ref readonly BatchShape Shape => ref _shape;
    public bool IsEmpty => !AdvancesDecodes && _chunks.Count == 0;

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
        _shape = default;
    }
}
