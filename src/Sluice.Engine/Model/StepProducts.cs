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

/// <summary>Products of a projection with rows of a buffer, panel by panel.</summary>
internal sealed unsafe partial class Step
{
    private RowBuffer Hidden => new(_buffers.Hidden, _buffers.DimStride);
    private RowBuffer Inner => new(_buffers.Inner, _buffers.InnerStride);

    /// <summary>A member's part of so many equal things: always the same ones.</summary>
    private (int First, int End) Share(int count, int member) =>
        ((int)((long)count * member / _team.Size), (int)((long)count * (member + 1) / _team.Size));

    /// <summary>Lays out the input of a projection, after a norm if one is given. A single tile every thread lays out for
    /// itself, which is faster than meeting.</summary>
    /// <param name="index">Which rows of the buffer; empty for the first ones.</param>
    private PackedRows[] Input(
        Projection projection, RowBuffer from, float* norm, int rows, ReadOnlySpan<int> index, int member)
    {
        var tiles = PackedRows.Tiles(rows, _rowsMax);
        var scratch = _scratch[member];
        if (tiles == 1)
        {
            PackTile(projection, scratch.Packed, from, norm, rows, index, 0, 0, scratch);
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
        var first = tile * _rowsMax;
        var width = PackedRows.TileRows(rows, _rowsMax, tile);
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

    /// <summary>One panel times one tile.</summary>
    /// <param name="position">Where the first of the rows is in <paramref name="packed"/>.</param>
    /// <param name="to">A row of 64 per row.</param>
    /// <returns>Rows that count; a kernel may have computed more.</returns>
    private int Product(
        Projection projection, int matrix, PackedRows[] packed, int panel, int position, int rows, int tile, float* to)
    {
        var weights = projection.Matrices[matrix];
        var input = packed[projection.FormOf(matrix)];
        var width = PackedRows.TileRows(rows, _rowsMax, tile);
        var at = position + tile * _rowsMax;
        weights.Format.Tiles.Run(width, weights.At(panel), weights.Columns,
            input.Values(at, weights.Columns), input.Sums(at, weights.Columns), to);
        return Math.Min(width, rows - tile * _rowsMax);
    }

    /// <summary>One panel of gate and up for all rows, into the inner buffer.</summary>
    private void GateUp(Projection projection, PackedRows[] packed, int panel, int position, int rows, MemberScratch scratch)
    {
        for (var t = 0; t < PackedRows.Tiles(rows, _rowsMax); t++)
        {
            Product(projection, 0, packed, panel, position, rows, t, scratch.ProductA);
            var held = Product(projection, 1, packed, panel, position, rows, t, scratch.ProductB);
            for (var r = 0; r < held; r++)
                Lanes.SwiGlu(scratch.ProductA + r * Panel.Rows, scratch.ProductB + r * Panel.Rows, Panel.Rows,
                    Inner.Row(position + t * _rowsMax + r) + panel * Panel.Rows);
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
