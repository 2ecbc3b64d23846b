namespace Sluice.Engine;

/// <summary>What a step's rows go through, for so many rows. Made anew when a step has more, so a warm engine allocates
/// nothing.</summary>
/// <remarks>Every row is padded to whole panels, and the padding stays zero.</remarks>
internal sealed unsafe class StepBuffers : IDisposable
{
    private readonly List<AlignedMemory> _memory = [];

    public StepBuffers(ModelConfig config, int rows)
    {
        Rows = PackedRows.Tiles(rows) * PackedRows.TileRowsMax;
        DimStride = Stride(config.Dim);
        QueryStride = Stride(config.QueryWidth);
        KvStride = Stride(config.KvWidth);
        InnerStride = Stride(config.FeedForward);
        RouterStride = Stride(Math.Max(1, config.Experts));
        RopePairs = config.RopeDimensions / 2;

        // An expert's tokens begin at a whole tile.
        Positions = config.Experts == 0 ? Rows : Rows * config.ExpertsUsed + PackedRows.TileRowsMax * config.Experts;
        Hidden = Floats(Rows, DimStride);
        Query = Floats(Rows, QueryStride);
        Key = Floats(Rows, KvStride);
        Value = Floats(Rows, KvStride);
        Attention = Floats(Rows, QueryStride);
        Inner = Floats(Positions, InnerStride);
        Cos = Floats(Rows, RopePairs);
        Sin = Floats(Rows, RopePairs);
        if (config.Experts > 0)
        {
            Router = Floats(Rows, RouterStride);
            ExpertOutput = Floats(Positions, DimStride);
        }

        var columnsMax = ColumnsMax(config);
        var packedRows = PackedRows.Tiles(Positions) * PackedRows.TileRowsMax;
        for (var f = 0; f < Projection.FormsMax; f++) Packed[f] = new(packedRows, columnsMax);
    }

    public int Rows { get; }

    /// <summary>Places for a token at an expert, or for a row.</summary>
    public int Positions { get; }

    public int DimStride { get; }
    public int QueryStride { get; }
    public int KvStride { get; }
    public int InnerStride { get; }
    public int RouterStride { get; }
    public int RopePairs { get; }

    /// <summary>The residual stream.</summary>
    public float* Hidden { get; }
    public float* Query { get; }
    public float* Key { get; }
    public float* Value { get; }
    public float* Attention { get; }

    /// <summary>Within the feed-forward part, per position.</summary>
    public float* Inner { get; }
    public float* Router { get; }
    public float* ExpertOutput { get; }
    public float* Cos { get; }
    public float* Sin { get; }

    /// <summary>The input of a projection, in each form.</summary>
    public PackedRows[] Packed { get; } = new PackedRows[Projection.FormsMax];

    public static int Stride(int width) => (width + Panel.Rows - 1) / Panel.Rows * Panel.Rows;

    public static int ColumnsMax(ModelConfig config) => Math.Max(config.Dim, Math.Max(config.QueryWidth, config.FeedForward));

    public void Dispose()
    {
        foreach (var memory in _memory) memory.Dispose();
        foreach (var packed in Packed) packed.Dispose();
    }

    private float* Floats(int rows, int stride)
    {
        var memory = new AlignedMemory((long)rows * stride * sizeof(float));
        _memory.Add(memory);
        return memory.Floats;
    }
}
