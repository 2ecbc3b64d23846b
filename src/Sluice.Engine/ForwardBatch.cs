using System.Runtime.InteropServices;

namespace Sluice.Engine;

/// <summary>One sequence's part of a step: consecutive tokens computed now.</summary>
/// <param name="FirstRow">Where its tokens begin in <see cref="ForwardBatch.Tokens"/>.</param>
/// <param name="Rows">Tokens, at least 1.</param>
/// <param name="FirstPosition">Position of the first of them in the sequence, from 0; tokens before it are in the KV
/// store.</param>
/// <param name="Blocks">The sequence's block table: block b holds positions b·BlockTokens and on.</param>
/// <param name="LogitRows">How many of the last rows give logits: 0 for a piece of a prompt that is not its end, 1 for a
/// decode, more to verify drafts.</param>
public readonly record struct ForwardChunk(int FirstRow, int Rows, int FirstPosition, ReadOnlyMemory<int> Blocks, int LogitRows);

/// <summary>What one step computes over all sequences. Reused from step to step.</summary>
public sealed class ForwardBatch
{
    private readonly List<int> _tokens = new(512);
    private readonly List<ForwardChunk> _chunks = new(64);
    private readonly List<HeldRows?> _held = new(64);

    public ReadOnlySpan<int> Tokens => CollectionsMarshal.AsSpan(_tokens);
    public ReadOnlySpan<ForwardChunk> Chunks => CollectionsMarshal.AsSpan(_chunks);

    /// <summary>Rows of logits that the step gives: those of the first chunk first.</summary>
    public int LogitRows { get; private set; }

    /// <summary>A chunk may read, through shared blocks, keys and values that a chunk before it writes in this same
    /// step.</summary>
    public bool SharesNewKeys { get; set; }

    /// <summary>Per chunk, what it goes on from; null for one that begins with its tokens.</summary>
    public ReadOnlySpan<HeldRows?> Held => CollectionsMarshal.AsSpan(_held);

    public void Add(ReadOnlySpan<int> tokens, int firstPosition, ReadOnlyMemory<int> blocks, int logitRows)
    {
        _chunks.Add(new(_tokens.Count, tokens.Length, firstPosition, blocks, logitRows));
        _held.Add(null);
        foreach (var token in tokens) _tokens.Add(token);
        LogitRows += logitRows;
    }

    /// <summary>Lets a sequence go on that an <see cref="ILayerGate"/> held: it joins the step in its layer.</summary>
    /// <param name="blocks">Its block table now.</param>
    public void Resume(HeldRows held, ReadOnlyMemory<int> blocks)
    {
        _chunks.Add(new(_tokens.Count, held.Rows, held.FirstPosition, blocks, held.LogitRows));
        _held.Add(held);
        LogitRows += held.LogitRows;
    }

    public void Clear()
    {
        _tokens.Clear();
        _chunks.Clear();
        _held.Clear();
        LogitRows = 0;
        SharesNewKeys = false;
    }
}
