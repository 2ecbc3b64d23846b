namespace Sluice.Engine;

/// <summary>A model's arithmetic, with its KV store.</summary>
/// <remarks>A sequence's logits are bitwise the same whatever it was batched, chunked, moved or computed again with.</remarks>
public interface ITransformer
{
    int Vocabulary { get; }
    int ContextMax { get; }
    int BlockTokens { get; }
    int TotalBlocks { get; }

    /// <summary>Computes a step: K and V of every row go into the blocks, logits into <paramref name="logits"/>.</summary>
    /// <param name="logits">At least <see cref="ForwardBatch.LogitRows"/> × <see cref="Vocabulary"/>.</param>
    void Forward(ForwardBatch batch, Span<float> logits);

    /// <summary>Copies a block's K and V, all layers (copy on write).</summary>
    void CopyBlock(int from, int to);

    /// <summary>Bytes of one block's K and V, all layers.</summary>
    int BlockBytes { get; }

    /// <summary>Writes a block out (swap to host memory, live migration).</summary>
    void ExportBlock(int block, Span<byte> to);

    void ImportBlock(ReadOnlySpan<byte> from, int block);
}
