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

            fixed (byte* codes = block.Codes) PutGroup(layout.CodeBits, codes + column, (uint*)to + row);
            to += layout.GroupBytes;
        }
    }

    /// <summary>See <see cref="CodeWords"/>. Written out, because loading a large file is mostly this.</summary>
    private static void PutGroup(int codeBits, byte* codes, uint* to)
    {
        switch (codeBits)
        {
            case 4:
                to[0] = Pair(codes) | Pair(codes + 2) << 4 | Pair(codes + 4) << 8 | Pair(codes + 6) << 12;
                break;
            case 8:
                to[0] = (Pair(codes) | Pair(codes + 2) << 8) ^ 0x80808080; // Signed in the file, and unsigned here.
                break;
            default:
                var (seventh, eighth) = (Pair(codes + 12), Pair(codes + 14));
                to[0] = Pair(codes) | Pair(codes + 2) << 6 | (seventh & 0x000F000F) << 12;
                to[Panel.Rows] = Pair(codes + 4) | Pair(codes + 6) << 6 | (eighth & 0x000F000F) << 12;
                to[2 * Panel.Rows] = Pair(codes + 8) | Pair(codes + 10) << 6
                    | (seventh & 0x00300030) << 8 | (eighth & 0x00300030) << 10;
                break;
        }
    }

    /// <summary>Two codes in the halves of a word.</summary>
    private static uint Pair(byte* codes) => codes[0] | (uint)codes[1] << 16;
}
