using Sluice.Core;

namespace Sluice.Engine;

/// <summary>Rows of activations laid out for the kernels: tiles of up to four rows, in each all rows of a
/// column beside one another, and the sums per block that formats with minima need.</summary>
internal sealed unsafe class PackedRows : IDisposable
{
    /// <summary>Rows beside one another: with four registers of weights they fill 32 registers, and a panel is read once for
    /// them.</summary>
    public const int TileRowsMax = 4;

    private readonly AlignedMemory _values;
    private readonly AlignedMemory _sums;
    private readonly int _columnsMax;
    private readonly int _rowsMax;

    /// <param name="rowsMax">A multiple of 4.</param>
    public PackedRows(int rowsMax, int columnsMax)
    {
        Check.That(rowsMax % TileRowsMax == 0);
        (_rowsMax, _columnsMax) = (rowsMax, columnsMax);
        _values = new((long)rowsMax * columnsMax * sizeof(float));
        _sums = new((long)rowsMax * (columnsMax / 16 + 1) * sizeof(float));
    }

    /// <summary>Tiles of so many rows.</summary>
    public static int Tiles(int rows) => (rows + TileRowsMax - 1) / TileRowsMax;

    /// <summary>Rows of a tile's kernel: the smallest of 1, 2 and 4 that holds what is left.</summary>
    public static int TileRows(int rows, int tile) => rows - tile * TileRowsMax is var left && left > 2 ? TileRowsMax : left;

    public float* Values(int firstRow, int columns) => _values.Floats + (long)firstRow * columns;

    public float* Sums(int firstRow, int columns) => _sums.Floats + (long)firstRow * (columns / 16 + 1);

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
        for (var r = 0; r < rows; r++) Spread(form, from + (long)r * stride, columns, values + r, width);

        // Rows that only fill a kernel up hold zeros: whatever lay there could be slow to compute with.
        for (var r = rows; r < width; r++)
            for (var c = 0; c < columns; c++) values[(long)c * width + r] = 0;

        if (form.SumColumns == 0) return;
        var sums = Sums(at, columns);
        for (var r = 0; r < rows; r++) Sum(form.SumColumns, from + (long)r * stride, columns, sums + r, width);
        for (var r = rows; r < width; r++)
            for (var b = 0; b < columns / form.SumColumns; b++) sums[b * width + r] = 0;
    }

    private static void Spread(in ActivationForm form, float* from, int columns, float* to, int width)
    {
        var c = 0;
        for (; c <= columns - 4; c += 4)
        {
            to[0] = from[c] * form.Scale0;
            to[width] = from[c + 1] * form.Scale1;
            to[2 * width] = from[c + 2] * form.Scale2;
            to[3 * width] = from[c + 3] * form.Scale3;
            to += 4 * width;
        }

        for (; c < columns; c++, to += width)
            *to = from[c] * ((c & 3) switch { 0 => form.Scale0, 1 => form.Scale1, 2 => form.Scale2, _ => form.Scale3 });
    }

    /// <summary>Minus the sum of each block, from its first column to its last.</summary>
    private static void Sum(int blockColumns, float* from, int columns, float* to, int width)
    {
        for (var b = 0; b < columns / blockColumns; b++, from += blockColumns)
        {
            var sum = 0f;
            for (var c = 0; c < blockColumns; c++) sum += from[c];
            to[b * width] = -sum;
        }
    }

    public void Dispose()
    {
        _values.Dispose();
        _sums.Dispose();
    }
}
