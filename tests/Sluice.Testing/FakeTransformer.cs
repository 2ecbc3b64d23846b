using System.Buffers.Binary;
using Sluice.Engine;

namespace Sluice.Testing;

/// <summary>A model whose logits are a hash of the whole history, read back through the block tables: a wrong block, a lost
/// token, or a copy that was not made gives other logits from there on.</summary>
/// <remarks>Like a transformer of two layers: the first stores what a token is, the second what came before it, so a
/// position computed from wrong memory spoils all later ones.</remarks>
public sealed class FakeTransformer(int totalBlocks, int blockTokens = 4, int vocabulary = 61, int contextMax = 4096) : ITransformer
{
    private readonly ulong[] _tokens = new ulong[totalBlocks * blockTokens];
    private readonly ulong[] _chains = new ulong[totalBlocks * blockTokens];

    public int Vocabulary => vocabulary;
    public int ContextMax => contextMax;
    public int BlockTokens => blockTokens;
    public int TotalBlocks => totalBlocks;
    public int BlockBytes => 16 * blockTokens;

    /// <summary>Called in each step, before anything is computed.</summary>
    public Action<ForwardBatch>? OnForward { get; set; }

    public long Rows { get; private set; }

    public void Forward(ForwardBatch batch, Span<float> logits)
    {
        OnForward?.Invoke(batch);
        foreach (var chunk in batch.Chunks)
            for (var i = 0; i < chunk.Rows; i++)
                _tokens[Place(chunk, chunk.FirstPosition + i)] = Mix((ulong)batch.Tokens[chunk.FirstRow + i] + 1);

        foreach (var chunk in batch.Chunks)
        {
            for (var i = 0; i < chunk.Rows; i++)
            {
                var position = chunk.FirstPosition + i;
                var before = position == 0 ? 0 : _chains[Place(chunk, position - 1)];
                _chains[Place(chunk, position)] = Mix(before ^ Mix(_tokens[Place(chunk, position)] + (ulong)position));
            }

            Rows += chunk.Rows;
        }

        var row = 0;
        foreach (var chunk in batch.Chunks)
            for (var i = chunk.Rows - chunk.LogitRows; i < chunk.Rows; i++)
                Write(logits.Slice(row++ * vocabulary, vocabulary), Digest(chunk, chunk.FirstPosition + i));
    }

    public void CopyBlock(int from, int to)
    {
        Array.Copy(_tokens, from * blockTokens, _tokens, to * blockTokens, blockTokens);
        Array.Copy(_chains, from * blockTokens, _chains, to * blockTokens, blockTokens);
    }

    public void ExportBlock(int block, Span<byte> to)
    {
        for (var i = 0; i < blockTokens; i++)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(to[(16 * i)..], _tokens[block * blockTokens + i]);
            BinaryPrimitives.WriteUInt64LittleEndian(to[(16 * i + 8)..], _chains[block * blockTokens + i]);
        }
    }

    public void ImportBlock(ReadOnlySpan<byte> from, int block)
    {
        for (var i = 0; i < blockTokens; i++)
        {
            _tokens[block * blockTokens + i] = BinaryPrimitives.ReadUInt64LittleEndian(from[(16 * i)..]);
            _chains[block * blockTokens + i] = BinaryPrimitives.ReadUInt64LittleEndian(from[(16 * i + 8)..]);
        }
    }

    private ulong Digest(in ForwardChunk chunk, int position)
    {
        var digest = 0UL;
        for (var p = 0; p <= position; p++) digest = Mix(digest ^ _tokens[Place(chunk, p)] ^ Mix(_chains[Place(chunk, p)]));
        return digest;
    }

    private static void Write(Span<float> logits, ulong digest)
    {
        for (var v = 0; v < logits.Length; v++) logits[v] = (Mix(digest + (ulong)v) >> 40) * (8f / (1 << 24)) - 4f;
    }

    private int Place(in ForwardChunk chunk, int position) =>
        chunk.Blocks.Span[position / blockTokens] * blockTokens + position % blockTokens;

    private static ulong Mix(ulong z)
    {
        z += 0x9E3779B97F4A7C15UL;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBUL;
        return z ^ (z >> 31);
    }
}
