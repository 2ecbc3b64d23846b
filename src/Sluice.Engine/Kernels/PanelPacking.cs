namespace Sluice.Engine;

/// <summary>Lays 64 rows of a tensor out as a panel; see <see cref="IWholeFormat"/> and <see cref="ICodeFormat"/>. Done once,
/// at loading.</summary>
internal static unsafe class PanelPacking
{
    /// <param name="rows">1 to 64; the rest of the panel stays zeros.</param>
    /// <param name="panel">Zeros.</param>
    public static void Pack(PanelFormat format, byte* from, long rowBytes, int rows, int columns, byte* panel)
    {
        if (format.Codes is not null) PackCodes(format, format.Codes, from, rowBytes, rows, columns, panel);
        else if (format.ColumnBytes == 4 * Panel.Rows) Transpose((uint*)from, rowBytes, rows, columns, (uint*)panel);
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

    private static void PackCodes(
        PanelFormat format, CodeLayout layout, byte* from, long rowBytes, int rows, int columns, byte* panel)
    {
        var superBytes = format.PanelBytes(layout.SuperColumns);
        var fileBytes = format.Type.BlockBytes();
        QuantBlock block = default;
        for (var s = 0; s < columns / layout.SuperColumns; s++)
        {
            for (var r = 0; r < rows; r++)
            {
                block.Read(format.Type, from + r * rowBytes + s * (long)fileBytes);
                Put(layout, ref block, panel + s * superBytes, r);
            }
        }
    }

    private static void Put(CodeLayout layout, ref QuantBlock block, byte* to, int row)
    {
        ((ushort*)to)[row] = block.Scale;
        if (layout.SuperHeaderBytes == 4 * Panel.Rows) ((ushort*)to)[Panel.Rows + row] = block.Minimum;
        to += layout.SuperHeaderBytes;
        for (var column = 0; column < block.Count; column += layout.GroupColumns)
        {
            if (column % layout.BlockColumns == 0 && layout.BlockHeaderBytes > 0)
            {
                var part = column / layout.BlockColumns;
                to[row] = block.PartScales[part];
                if (layout.BlockHeaderBytes == 2 * Panel.Rows) to[Panel.Rows + row] = block.PartMinima[part];
                to += layout.BlockHeaderBytes;
            }

            PutGroup(layout, ref block, column, (uint*)to + row);
            to += layout.GroupBytes;
        }
    }

    /// <summary>See <see cref="CodeWords"/>. Codes of Q8_0 are signed in the file and become unsigned.</summary>
    private static void PutGroup(CodeLayout layout, ref QuantBlock block, int column, uint* to)
    {
        for (var i = 0; i < layout.GroupColumns; i++)
        {
            uint code = block.Codes[column + i];
            if (layout.CodeBits == 8) code ^= 0x80;
            var (pair, half) = (i / 2, i % 2 * 16);
            if (layout.CodeBits != 6)
            {
                to[0] |= code << (pair * layout.CodeBits + half);
            }
            else if (pair < 6)
            {
                to[pair / 2 * Panel.Rows] |= code << (pair % 2 * 6 + half);
            }
            else
            {
                to[(pair - 6) * Panel.Rows] |= (code & 15) << (12 + half);
                to[2 * Panel.Rows] |= code >> 4 << (2 * pair + half);
            }
        }
    }
}
