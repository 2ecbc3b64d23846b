using Sluice.Core;

namespace Sluice.Engine;

/// <summary>Rows in a buffer.</summary>
internal readonly unsafe record struct RowBuffer(nint At, int Stride)
{
    public RowBuffer(float* at, int stride)
        : this((nint)at, stride)
    {
    }

    public float* Row(int row) => (float*)At + (long)row * Stride;
}

/// <summary>What tiles are computed from; see <see cref="PackedRows"/> and <see cref="PanelFormat"/>.</summary>
/// <param name="form">Which form of the input it takes.</param>
/// <param name="scale">What products are multiplied by after.</param>
internal readonly unsafe struct PanelView(TileSet tiles, byte* at, int columns, int form, float scale)
{
    public TileSet Tiles { get; } = tiles;
    public byte* At { get; } = at;
    public int Columns { get; } = columns;
    public int Form { get; } = form;
    public float Scale { get; } = scale;
}

/// <summary>Products of a projection with rows of a buffer, panel by panel.</summary>
internal sealed unsafe partial class Step
{
    /// <summary>Rows from which on writing a panel out as floats costs less than converting it for every tile.</summary>
    private const int ExpandRowsMin = 48;

    private RowBuffer Hidden => new(_buffers.Hidden, _buffers.DimStride);
    private RowBuffer Router => new(_buffers.Router, _buffers.RouterStride);
    private RowBuffer Inner => new(_buffers.Inner, _buffers.InnerStride);

    /// <summary>A member's part of so many equal things: always the same ones.</summary>
    private (int First, int End) Share(int count, int member) =>
        ((int)((long)count * member / _team.Size), (int)((long)count * (member + 1) / _team.Size));

    /// <summary>Lays out the input of a projection, after a norm if one is given. A few rows every thread lays out for
    /// itself, which is faster than meeting.</summary>
    /// <param name="index">Which rows of the buffer; empty for the first ones.</param>
    private PackedRows[] Input(
        Projection projection, RowBuffer from, float* norm, int rows, ReadOnlySpan<int> index, int member)
    {
        var tiles = PackedRows.Tiles(rows);
        var scratch = _scratch[member];
        if (rows <= MemberScratch.RowsMax)
        {
            for (var t = 0; t < tiles; t++) PackTile(projection, scratch.Packed, from, norm, rows, index, t, 0, scratch);
            return scratch.Packed;
        }

        for (var t = member; t < tiles; t += _team.Size)
            PackTile(projection, _buffers.Packed, from, norm, rows, index, t, 0, scratch);
        _team.Meet();
        return _buffers.Packed;
    }

    /// <param name="position">Where the first of all tiles goes.</param>
    private void PackTile(
        Projection projection, PackedRows[] to, RowBuffer from, float* norm, int rows, ReadOnlySpan<int> index, int tile,
        int position, MemberScratch scratch)
    {
        var first = tile * PackedRows.TileRowsMax;
        var width = PackedRows.TileRows(rows, tile);
        var held = Math.Min(width, rows - first);
        var source = from.Row(first);
        var stride = from.Stride;
        if (norm is not null)
        {
            for (var r = 0; r < held; r++)
            {
                var row = from.Row(index.IsEmpty ? first + r : index[first + r]);
                Lanes.RmsNorm(row, norm, projection.Columns, _config.RmsEpsilon, scratch.Normed + r * _buffers.DimStride);
            }

            source = scratch.Normed;
            stride = _buffers.DimStride;
        }
        else
        {
            Check.That(index.IsEmpty);
        }

        for (var f = 0; f < projection.Forms.Length; f++)
            to[f].Pack(projection.Forms[f], source, stride, held, width, projection.Columns, position + first);
    }

    /// <summary>A panel as the tiles take it: for many rows its weights are made floats first, where that pays.</summary>
    /// <param name="room">Where they go then.</param>
    private static PanelView View(Projection projection, int matrix, int panel, int rows, float* room)
    {
        var weights = projection.Matrices[matrix];
        if (rows < ExpandRowsMin || weights.Format.Expanded is not { } expanded)
            return new(weights.Format.Tiles, weights.At(panel), weights.Columns, projection.FormOf(matrix), 1);
        weights.Format.Tiles.Expand(weights.At(panel), weights.Columns, room);
        return new(expanded.Tiles, (byte*)room, weights.Columns, projection.FormOf(matrix), weights.Format.OutputFactor);
    }

    /// <summary>One panel times one tile.</summary>
    /// <param name="position">Where the first of the rows is in <paramref name="packed"/>.</param>
    /// <param name="to">A row of 64 per row.</param>
    /// <returns>Rows that count; a kernel may have computed more.</returns>
    private static int Product(in PanelView panel, PackedRows[] packed, int position, int rows, int tile, float* to)
    {
        var input = packed[panel.Form];
        var width = PackedRows.TileRows(rows, tile);
        var at = position + tile * PackedRows.TileRowsMax;
        panel.Tiles.Run(width, panel.At, panel.Columns, input.Values(at, panel.Columns), input.Scales(at, panel.Columns), to);
        if (panel.Scale != 1) Lanes.Scale(to, panel.Scale, width * Panel.Rows);
        return Math.Min(width, rows - tile * PackedRows.TileRowsMax);
    }

    /// <summary>One panel of gate and up for all rows, into the inner buffer.</summary>
    private void GateUp(Projection projection, PackedRows[] packed, int panel, int position, int rows, MemberScratch scratch)
    {
        var gate = View(projection, 0, panel, rows, scratch.ExpandedA);
        var up = View(projection, 1, panel, rows, scratch.ExpandedB);
        for (var t = 0; t < PackedRows.Tiles(rows); t++)
        {
            Product(gate, packed, position, rows, t, scratch.ProductA);
            var held = Product(up, packed, position, rows, t, scratch.ProductB);
            for (var r = 0; r < held; r++)
                Lanes.SwiGlu(scratch.ProductA + r * Panel.Rows, scratch.ProductB + r * Panel.Rows, Panel.Rows,
                    Inner.Row(position + t * PackedRows.TileRowsMax + r) + panel * Panel.Rows);
        }
    }

    private static void AddTo(RowBuffer to, int firstRow, int panel, int rows, float* products)
    {
        for (var r = 0; r < rows; r++)
            Lanes.Add(products + r * Panel.Rows, to.Row(firstRow + r) + panel * Panel.Rows, Panel.Rows);
    }

    private static void CopyTo(RowBuffer to, int firstRow, int panel, int rows, float* products)
    {
        for (var r = 0; r < rows; r++)
            new ReadOnlySpan<float>(products + r * Panel.Rows, Panel.Rows)
                .CopyTo(new(to.Row(firstRow + r) + panel * Panel.Rows, Panel.Rows));
    }
}
