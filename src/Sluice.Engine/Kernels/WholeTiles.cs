using System.Runtime.CompilerServices;

namespace Sluice.Engine;

/// <summary>Products of a panel of whole weights with a few rows of activations, all floats.</summary>
/// <remarks>Every product is summed along the columns from first to last, one fused multiply-add each, in its own lane,
/// whatever the number of rows: so a row of activations gives the same bits whichever rows it is computed with.</remarks>
internal static unsafe class WholeTiles<TS, TF, TI, TFormat, TRows>
    where TS : struct, ISimd<TF, TI>
    where TF : unmanaged
    where TI : unmanaged
    where TFormat : struct, IWholeFormat
    where TRows : struct, IRowCount
{
    private static int Registers
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => TRows.Rows == 4 && TS.Registers < 32 ? 2 : 4;
    }

    /// <param name="x">Activations, column by column, the rows beside one another.</param>
    /// <param name="scales">Not used.</param>
    /// <param name="sum">64 products per row.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(byte* panel, int columns, void* x, float* scales, float* sum)
    {
        for (var row = 0; row < Panel.Rows; row += Registers * TS.Width)
        {
            var from = (float*)x;
            var at = panel;
            TF c00 = TS.Zero, c01 = TS.Zero, c02 = TS.Zero, c03 = TS.Zero;
            TF c10 = TS.Zero, c11 = TS.Zero, c12 = TS.Zero, c13 = TS.Zero;
            TF c20 = TS.Zero, c21 = TS.Zero, c22 = TS.Zero, c23 = TS.Zero;
            TF c30 = TS.Zero, c31 = TS.Zero, c32 = TS.Zero, c33 = TS.Zero;
            for (var c = 0; c < columns; c++)
            {
                var w0 = TFormat.Load<TS, TF, TI>(at, row);
                var w1 = TFormat.Load<TS, TF, TI>(at, row + TS.Width);
                var w2 = Registers == 2 ? w0 : TFormat.Load<TS, TF, TI>(at, row + 2 * TS.Width);
                var w3 = Registers == 2 ? w0 : TFormat.Load<TS, TF, TI>(at, row + 3 * TS.Width);
                Add(from[0], w0, w1, w2, w3, ref c00, ref c01, ref c02, ref c03);
                if (TRows.Rows > 1) Add(from[1], w0, w1, w2, w3, ref c10, ref c11, ref c12, ref c13);
                if (TRows.Rows > 2) Add(from[2], w0, w1, w2, w3, ref c20, ref c21, ref c22, ref c23);
                if (TRows.Rows > 2) Add(from[3], w0, w1, w2, w3, ref c30, ref c31, ref c32, ref c33);
                at += TFormat.ColumnBytes;
                from += TRows.Rows;
            }

            Store(sum + row, c00, c01, c02, c03);
            if (TRows.Rows > 1) Store(sum + Panel.Rows + row, c10, c11, c12, c13);
            if (TRows.Rows > 2) Store(sum + 2 * Panel.Rows + row, c20, c21, c22, c23);
            if (TRows.Rows > 2) Store(sum + 3 * Panel.Rows + row, c30, c31, c32, c33);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(float x, TF w0, TF w1, TF w2, TF w3, ref TF c0, ref TF c1, ref TF c2, ref TF c3)
    {
        var a = TS.All(x);
        c0 = TS.Fma(a, w0, c0);
        c1 = TS.Fma(a, w1, c1);
        if (Registers == 2) return;
        c2 = TS.Fma(a, w2, c2);
        c3 = TS.Fma(a, w3, c3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(float* to, TF c0, TF c1, TF c2, TF c3)
    {
        var factor = TS.All(TFormat.OutputFactor);
        TS.Store(to, TFormat.OutputFactor == 1 ? c0 : TS.Multiply(c0, factor));
        TS.Store(to + TS.Width, TFormat.OutputFactor == 1 ? c1 : TS.Multiply(c1, factor));
        if (Registers == 2) return;
        TS.Store(to + 2 * TS.Width, TFormat.OutputFactor == 1 ? c2 : TS.Multiply(c2, factor));
        TS.Store(to + 3 * TS.Width, TFormat.OutputFactor == 1 ? c3 : TS.Multiply(c3, factor));
    }

    /// <summary>The weights as floats, in the layout of <see cref="F32Format"/>, without
    /// <see cref="IWholeFormat.OutputFactor"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Expand(byte* panel, int columns, float* to)
    {
        for (var c = 0; c < columns; c++)
        {
            for (var row = 0; row < Panel.Rows; row += TS.Width) TS.Store(to + row, TFormat.Load<TS, TF, TI>(panel, row));
            panel += TFormat.ColumnBytes;
            to += Panel.Rows;
        }
    }
}
