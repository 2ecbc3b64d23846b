using Sluice.Core;

namespace Sluice.Engine;

/// <summary>Rows of activations laid out for the kernels: tiles of up to four rows, in each all rows of a column, or of a pair
/// of columns, beside one another.</summary>
internal sealed unsafe class PackedRows : IDisposable
{
    /// <summary>Rows beside one another: with four registers of weights they fill 32 registers, and a panel is read once for
    /// them.</summary>
    public const int TileRowsMax = 4;

    /// <summary>At least so many columns to a scale or a sum: the most has Q6_K, one scale and 16 sums for 256.</summary>
    private const int ColumnsPerScale = 15;

    private readonly AlignedMemory _values;
    private readonly AlignedMemory _scales;
    private readonly int _columnsMax;
    private readonly int _rowsMax;

    /// <param name="rowsMax">A multiple of 4.</param>
    public PackedRows(int rowsMax, int columnsMax)
    {
        Check.That(rowsMax % TileRowsMax == 0);
        (_rowsMax, _columnsMax) = (rowsMax, columnsMax);
        _values = new((long)rowsMax * columnsMax * sizeof(float));
        _scales = new((long)rowsMax * (columnsMax / ColumnsPerScale + 1) * sizeof(float));
    }

    /// <summary>Tiles of so many rows.</summary>
    public static int Tiles(int rows) => (rows + TileRowsMax - 1) / TileRowsMax;

    /// <summary>Rows of a tile's kernel: the smallest of 1, 2 and 4 that holds what is left.</summary>
    public static int TileRows(int rows, int tile) => rows - tile * TileRowsMax is var left && left > 2 ? TileRowsMax : left;

    public float* Values(int firstRow, int columns) => _values.Floats + (long)firstRow * columns;

    public float* Scales(int firstRow, int columns) => _scales.Floats + (long)firstRow * (columns / ColumnsPerScale + 1);

    /// <summary>Lays out the rows of one tile.</summary>
    /// <param name="from">Its first row.</param>
    /// <param name="stride">Floats from one row to the next.</param>
    /// <param name="rows">Rows there are, at most <paramref name="width"/>.</param>
    /// <param name="width">Rows of the kernel: 1, 2 or 4.</param>
    /// <param name="at">The tile's first row here.</param>
    public void Pack(in ActivationForm form, float* from, int stride, int rows, int width, int columns, int at)
    {
        Check.That(columns <= _columnsMax && rows <= width && at + width <= _rowsMax);
        var values = Values(at, columns);
        var scales = Scales(at, columns);
        for (var r = 0; r < rows; r++)
        {
            var row = from + (long)r * stride;
            if (form.IsCoded) ActivationCodes.Write(form, row, columns, (int*)values + r, scales + r, width);
            else Spread(row, form.Factor, columns, values + r, width);
        }

        // Rows that only fill a kernel up hold zeros: whatever lay there could be slow to compute with.
        var (words, parts) = form.IsCoded ? (columns / 2, form.ScalesPerRow(columns)) : (columns, 0);
        for (var r = rows; r < width; r++)
        {
            for (var c = 0; c < words; c++) values[(long)c * width + r] = 0;
            for (var p = 0; p < parts; p++) scales[p * width + r] = 0;
        }
    }

    private static void Spread(float* from, float factor, int columns, float* to, int width)
    {
        for (var c = 0; c < columns; c++, to += width) *to = from[c] * factor;
    }

    public void Dispose()
    {
        _values.Dispose();
        _scales.Dispose();
    }
}
