namespace Sluice.Engine;

/// <summary>What one thread needs for itself.</summary>
internal sealed unsafe class MemberScratch : IDisposable
{
    /// <summary>Rows, and queries, that it holds.</summary>
    public const int RowsMax = 8;

    private readonly AlignedMemory _floats;
    private readonly AlignedMemory _tiles;

    /// <param name="contextMax">Positions that a sequence may have in the KV store.</param>
    public MemberScratch(ModelConfig config, KvStore store, int contextMax)
    {
        var dim = StepBuffers.Stride(config.Dim);
        var tiles = (contextMax + KvStore.TileTokens - 1) / KvStore.TileTokens;
        ScoreStride = (tiles + 1) / 2 * 2 * KvStore.TileTokens;
        var head = StepBuffers.Stride(config.HeadDim);
        long[] sizes =
        [
            RowsMax * dim, RowsMax * Panel.Rows, RowsMax * Panel.Rows, (long)RowsMax * ScoreStride, RowsMax * head,
            RowsMax * store.ValueWidth, head, (long)Panel.Rows * StepBuffers.ColumnsMax(config),
            (long)Panel.Rows * StepBuffers.ColumnsMax(config),
        ];
        _floats = new(sizes.Sum() * sizeof(float));
        var at = _floats.Floats;
        Normed = at;
        ProductA = at += sizes[0];
        ProductB = at += sizes[1];
        Scores = at += sizes[2];
        Queries = at += sizes[3];
        HeadOutputs = at += sizes[4];
        Head = at += sizes[5];
        ExpandedA = at += sizes[6];
        ExpandedB = at + sizes[7];
        _tiles = new(2L * (tiles + 1) * sizeof(nint));
        KeyTiles = (nint*)_tiles.At;
        ValueTiles = KeyTiles + tiles + 1;
        for (var f = 0; f < Projection.FormsMax; f++) Packed[f] = new PackedRows(RowsMax, StepBuffers.ColumnsMax(config));
    }

    /// <summary>Rows after a norm, up to 8.</summary>
    public float* Normed { get; }

    /// <summary>Products of one panel with up to 8 rows.</summary>
    public float* ProductA { get; }
    public float* ProductB { get; }

    /// <summary>Panels of weights as floats.</summary>
    public float* ExpandedA { get; }
    public float* ExpandedB { get; }

    /// <summary>Of up to 8 queries.</summary>
    public float* Scores { get; }
    public int ScoreStride { get; }
    public float* Queries { get; }
    public float* HeadOutputs { get; }

    /// <summary>One head.</summary>
    public float* Head { get; }

    public nint* KeyTiles { get; }
    public nint* ValueTiles { get; }

    /// <summary>The input of a projection, where it is small enough for every thread to lay it out for itself.</summary>
    public PackedRows[] Packed { get; } = new PackedRows[Projection.FormsMax];

    public void Dispose()
    {
        _floats.Dispose();
        _tiles.Dispose();
        foreach (var packed in Packed) packed.Dispose();
    }
}
