using System.Runtime.InteropServices;

namespace Sluice.Engine;

/// <summary>Lays 64 rows of a tensor out as a panel; see <see cref="IWeightFormat"/>. Done once, at loading.</summary>
internal static unsafe class PanelPacking
{
    /// <param name="rows">1 to 64; the rest of the panel becomes zeros.</param>
    public static void Pack(PanelFormat format, byte* from, long rowBytes, int rows, int columns, byte* panel)
    {
        if (rows < Panel.Rows) NativeMemory.Clear(panel, (nuint)format.PanelBytes(columns));
        if (format.IsScaled) PackScaled(format, from, rowBytes, rows, columns, panel);
        else if (format.GroupBytes == 4 * Panel.Rows) Transpose((uint*)from, rowBytes, rows, columns, (uint*)panel);
        else Transpose((ushort*)from, rowBytes, rows, columns, (ushort*)panel);
    }

    private static void Transpose<T>(T* from, long rowBytes, int rows, int columns, T* to)
        where T : unmanaged
    {
        const int run = 16; // Columns at a time, so that what is written stays in the cache until it is whole.
        for (var start = 0; start < columns; start += run)
        {
            var end = Math.Min(columns, start + run);
            for (var r = 0; r < rows; r++)
            {
                var row = (T*)((byte*)from + r * rowBytes);
                for (var c = start; c < end; c++) to[c * Panel.Rows + r] = row[c];
            }
        }
    }

    private static void PackScaled(PanelFormat format, byte* from, long rowBytes, int rows, int columns, byte* panel)
    {
        var superBytes = format.PanelBytes(format.SuperColumns);
        var fileBytes = format.Type.BlockBytes();
        QuantBlock block = default;
        for (var s = 0; s < columns / format.SuperColumns; s++)
        {
            for (var r = 0; r < rows; r++)
            {
                block.Read(format.Type, from + r * rowBytes + s * (long)fileBytes);
                Put(format, ref block, panel + s * superBytes, r);
            }
        }
    }

    private static void Put(PanelFormat format, ref QuantBlock block, byte* to, int row)
    {
        ((ushort*)to)[row] = block.Scale;
        if (format.SuperHeaderBytes == 4 * Panel.Rows) ((ushort*)to)[Panel.Rows + row] = block.Minimum;
        to += format.SuperHeaderBytes;
        for (var column = 0; column < block.Count; column += format.GroupColumns)
        {
            if (column % format.BlockColumns == 0 && format.BlockHeaderBytes > 0)
            {
                var part = column / format.BlockColumns;
                to[row] = block.PartScales[part];
                if (format.BlockHeaderBytes == 2 * Panel.Rows) to[Panel.Rows + row] = block.PartMinima[part];
                to += format.BlockHeaderBytes;
            }

            if (format.GroupColumns == 1) to[row] = block.Codes[column];
            else PutGroup(format, ref block, column, to, row);
            to += format.GroupBytes;
        }
    }

    /// <summary>Eight columns: their lower four bits in a word, first column lowest; their upper two, where there are any, in
    /// a half word, columns 0 to 3 in bits 0, 4, 8, 12 and columns 4 to 7 between them.</summary>
    private static void PutGroup(PanelFormat format, ref QuantBlock block, int column, byte* to, int row)
    {
        uint low = 0, high = 0;
        for (var i = 0; i < 8; i++)
        {
            uint code = block.Codes[column + i];
            low |= (code & 15) << (4 * i);
            high |= code >> 4 << (i < 4 ? 4 * i : 4 * (i - 4) + 2);
        }

        ((uint*)to)[row] = low;
        if (format.HasHighBits) ((ushort*)(to + 4 * Panel.Rows))[row] = (ushort)high;
    }
}
