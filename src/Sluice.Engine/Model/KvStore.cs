using Sluice.Core;

namespace Sluice.Engine;

/// <summary>Keys and values in blocks of a fixed number of tokens. A block holds its tokens for all layers and lies in one
/// piece, so it is copied, written out and read in as bytes.</summary>
/// <remarks>Within a block, layer by layer and KV head by KV head, tiles of 16 tokens: keys with the tokens beside one another
/// per dimension, values token after token. Who may touch which block is decided by the block tables of a step.</remarks>
internal sealed unsafe class KvStore : IDisposable
{
    /// <summary>Tokens that kernels take at once; a block holds a multiple of it.</summary>
    public const int TileTokens = 16;

    private readonly AlignedMemory _memory;
    private readonly KvType _type;
    private readonly int _elementBytes;
    private readonly int _kvHeads;
    private readonly int _headDim;
    private readonly long _headBytes;
    private readonly long _tileBytes;
    private readonly long _layerBytes;

    public KvStore(ModelConfig config, KvType type, int blockTokens, int totalBlocks)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(totalBlocks, 1);
        if (blockTokens < TileTokens || blockTokens % TileTokens != 0)
            throw new InputException($"a KV block of {blockTokens} tokens; expected a multiple of {TileTokens}.");
        (_type, BlockTokens, TotalBlocks) = (type, blockTokens, totalBlocks);
        (_kvHeads, _headDim) = (config.KvHeads, config.HeadDim);
        ValueWidth = (config.HeadDim + 31) / 32 * 32;
        _elementBytes = type == KvType.F32 ? sizeof(float) : sizeof(ushort);
        KeyTileBytes = (long)TileTokens * _headDim * _elementBytes;
        _headBytes = KeyTileBytes + (long)TileTokens * ValueWidth * _elementBytes;
        _tileBytes = _headBytes * _kvHeads;
        _layerBytes = _tileBytes * (blockTokens / TileTokens);
        BlockBytes = checked((int)(_layerBytes * config.Layers));
        _memory = new(checked((long)BlockBytes * totalBlocks));
    }

    public int BlockTokens { get; }
    public int TotalBlocks { get; }

    /// <summary>Bytes of a block, all layers.</summary>
    public int BlockBytes { get; }

    /// <summary>Elements from one token's values to the next.</summary>
    public int ValueWidth { get; }

    /// <summary>From a tile's keys to its values.</summary>
    public long KeyTileBytes { get; }

    /// <summary>The keys of the tile that holds a position; its values follow them.</summary>
    public byte* Tile(ReadOnlySpan<int> blocks, int position, int layer, int kvHead)
    {
        var block = blocks[position / BlockTokens];
        Check.That((uint)block < (uint)TotalBlocks);
        return _memory.At + (long)block * BlockBytes + layer * _layerBytes
            + position % BlockTokens / TileTokens * _tileBytes + kvHead * _headBytes;
    }

    public void Write(ReadOnlySpan<int> blocks, int position, int layer, int kvHead, float* key, float* value)
    {
        var tile = Tile(blocks, position, layer, kvHead);
        var token = position % TileTokens;
        if (_type == KvType.F32)
        {
            var keys = (float*)tile + token;
            for (var d = 0; d < _headDim; d++) keys[d * TileTokens] = key[d];
            Buffer.MemoryCopy(value, tile + KeyTileBytes + 4L * token * ValueWidth, 4L * _headDim, 4L * _headDim);
            return;
        }

        var halfKeys = (Half*)tile + token;
        var halfValues = (Half*)(tile + KeyTileBytes) + token * ValueWidth;
        for (var d = 0; d < _headDim; d++) (halfKeys[d * TileTokens], halfValues[d]) = (ToHalf(key[d]), ToHalf(value[d]));
    }

    public void Copy(int from, int to) => Block(from).CopyTo(Block(to));

    public Span<byte> Block(int block)
    {
        Check.That((uint)block < (uint)TotalBlocks);
        return new(_memory.At + (long)block * BlockBytes, BlockBytes);
    }

    public void Dispose() => _memory.Dispose();

    /// <summary>The kernels read no infinities, so what is out of range becomes the largest half.</summary>
    private static Half ToHalf(float x) => (Half)Math.Clamp(x, -65504f, 65504f);
}
