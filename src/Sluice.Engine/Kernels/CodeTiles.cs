using System.Runtime.CompilerServices;

namespace Sluice.Engine;

/// <summary>Products of a panel of quantised weights with a few rows of activations, which are whole numbers of 16 bits with a
/// scale per super-block (<see cref="ActivationCodes"/>).</summary>
/// <remarks>Within a block sums are whole numbers and exact. Blocks are added up from first to last as floats, each in its
/// own lane, in the same way for any number of rows: so a row of activations gives the same bits whichever rows it is computed
/// with. A block's sum stays below 2^31: 32 columns of codes below 2^8 and activations below 2^15.</remarks>
internal static unsafe class CodeTiles<TS, TF, TI, TFormat, TRows>
    where TS : struct, ISimd<TF, TI>
    where TF : unmanaged
    where TI : unmanaged
    where TFormat : struct, ICodeFormat
    where TRows : struct, IRowCount
{
    /// <summary>Registers of weights side by side: as many sums are kept per row of activations.</summary>
    private static int Registers
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => TRows.Rows == 4 && TS.Registers < 32 ? 2 : 4;
    }

    /// <param name="x">Pairs of columns, the rows of a pair beside one another.</param>
    /// <param name="scales">Per super-block, for each row: its scale, and then per block what the sum is corrected by.</param>
    /// <param name="sum">64 products per row.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(byte* panel, int columns, void* x, float* scales, float* sum)
    {
        for (var row = 0; row < Panel.Rows; row += Registers * TS.Width)
        {
            var at = panel;
            var from = (int*)x;
            var scale = scales;
            var to = sum + row;
            for (var m = 0; m < TRows.Rows; m++)
                for (var v = 0; v < Registers; v++) TS.Store(to + m * Panel.Rows + v * TS.Width, TS.Zero);

            for (var s = 0; s < columns; s += TFormat.SuperColumns)
            {
                var superBlock = at;
                at += TFormat.SuperHeaderBytes;
                var less = scale + TRows.Rows;
                Scales(superBlock, row, out var d0, out var m0);
                Scales(superBlock, row + TS.Width, out var d1, out var m1);
                TF d2 = d0, m2 = m0, d3 = d0, m3 = m0;
                if (Registers == 4) Scales(superBlock, row + 2 * TS.Width, out d2, out m2);
                if (Registers == 4) Scales(superBlock, row + 3 * TS.Width, out d3, out m3);
                for (var b = 0; b < TFormat.SuperColumns; b += TFormat.BlockColumns)
                {
                    var block = at;
                    at += TFormat.BlockHeaderBytes;
                    Block(d0, d1, d2, d3, m0, m1, m2, m3, block + row, at + 4 * row, from, scale, less, to);
                    at += TFormat.BlockColumns / TFormat.GroupColumns * TFormat.GroupBytes;
                    from += TFormat.BlockColumns / 2 * TRows.Rows;
                    less += TRows.Rows;
                }

                scale = less;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Scales(byte* superBlock, int row, out TF scale, out TF minimum)
    {
        scale = Panel.Halves<TS, TF, TI>(superBlock + 2 * row);
        minimum = TFormat.HasMinimum ? Panel.Halves<TS, TF, TI>(superBlock + 2 * (Panel.Rows + row)) : TS.Zero;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Block(
        TF d0, TF d1, TF d2, TF d3, TF m0, TF m1, TF m2, TF m3,
        byte* header, byte* group, int* x, float* scale, float* less, float* to)
    {
        TI c00 = Start(less), c01 = c00, c02 = c00, c03 = c00;
        TI c10 = TRows.Rows > 1 ? Start(less + 1) : c00, c11 = c10, c12 = c10, c13 = c10;
        TI c20 = TRows.Rows > 2 ? Start(less + 2) : c00, c21 = c20, c22 = c20, c23 = c20;
        TI c30 = TRows.Rows > 2 ? Start(less + 3) : c00, c31 = c30, c32 = c30, c33 = c30;
        for (var g = 0; g < TFormat.BlockColumns; g += TFormat.GroupColumns)
        {
            Pair(group, 0, x, ref c00, ref c01, ref c02, ref c03, ref c10, ref c11, ref c12, ref c13,
                ref c20, ref c21, ref c22, ref c23, ref c30, ref c31, ref c32, ref c33);
            Pair(group, 1, x, ref c00, ref c01, ref c02, ref c03, ref c10, ref c11, ref c12, ref c13,
                ref c20, ref c21, ref c22, ref c23, ref c30, ref c31, ref c32, ref c33);
            if (TFormat.GroupColumns > 4)
            {
                Pair(group, 2, x, ref c00, ref c01, ref c02, ref c03, ref c10, ref c11, ref c12, ref c13,
                    ref c20, ref c21, ref c22, ref c23, ref c30, ref c31, ref c32, ref c33);
                Pair(group, 3, x, ref c00, ref c01, ref c02, ref c03, ref c10, ref c11, ref c12, ref c13,
                    ref c20, ref c21, ref c22, ref c23, ref c30, ref c31, ref c32, ref c33);
            }

            if (TFormat.GroupColumns > 8)
            {
                Pair(group, 4, x, ref c00, ref c01, ref c02, ref c03, ref c10, ref c11, ref c12, ref c13,
                    ref c20, ref c21, ref c22, ref c23, ref c30, ref c31, ref c32, ref c33);
                Pair(group, 5, x, ref c00, ref c01, ref c02, ref c03, ref c10, ref c11, ref c12, ref c13,
                    ref c20, ref c21, ref c22, ref c23, ref c30, ref c31, ref c32, ref c33);
                Pair(group, 6, x, ref c00, ref c01, ref c02, ref c03, ref c10, ref c11, ref c12, ref c13,
                    ref c20, ref c21, ref c22, ref c23, ref c30, ref c31, ref c32, ref c33);
                Pair(group, 7, x, ref c00, ref c01, ref c02, ref c03, ref c10, ref c11, ref c12, ref c13,
                    ref c20, ref c21, ref c22, ref c23, ref c30, ref c31, ref c32, ref c33);
            }

            group += TFormat.GroupBytes;
            x += TFormat.GroupColumns / 2 * TRows.Rows;
        }

        Finish(d0, m0, header, c00, c10, c20, c30, scale, less, to);
        Finish(d1, m1, header + TS.Width, c01, c11, c21, c31, scale, less, to + TS.Width);
        if (Registers == 2) return;
        Finish(d2, m2, header + 2 * TS.Width, c02, c12, c22, c32, scale, less, to + 2 * TS.Width);
        Finish(d3, m3, header + 3 * TS.Width, c03, c13, c23, c33, scale, less, to + 3 * TS.Width);
    }

    /// <summary>What a block's sum begins with: what the codes' offset adds to it too much, negated.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TI Start(float* less) => TFormat.Offset == 0 ? default : TS.AllBits(*(int*)less);

    /// <summary>One pair of columns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Pair(
        byte* group, int pair, int* x,
        ref TI c00, ref TI c01, ref TI c02, ref TI c03, ref TI c10, ref TI c11, ref TI c12, ref TI c13,
        ref TI c20, ref TI c21, ref TI c22, ref TI c23, ref TI c30, ref TI c31, ref TI c32, ref TI c33)
    {
        x += pair * TRows.Rows;
        var w0 = TFormat.Pair<TS, TF, TI>(group, pair);
        var w1 = TFormat.Pair<TS, TF, TI>(group + 4 * TS.Width, pair);
        var w2 = Registers == 2 ? default : TFormat.Pair<TS, TF, TI>(group + 8 * TS.Width, pair);
        var w3 = Registers == 2 ? default : TFormat.Pair<TS, TF, TI>(group + 12 * TS.Width, pair);
        Add(x[0], w0, w1, w2, w3, ref c00, ref c01, ref c02, ref c03);
        if (TRows.Rows > 1) Add(x[1], w0, w1, w2, w3, ref c10, ref c11, ref c12, ref c13);
        if (TRows.Rows > 2) Add(x[2], w0, w1, w2, w3, ref c20, ref c21, ref c22, ref c23);
        if (TRows.Rows > 2) Add(x[3], w0, w1, w2, w3, ref c30, ref c31, ref c32, ref c33);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(int x, TI w0, TI w1, TI w2, TI w3, ref TI c0, ref TI c1, ref TI c2, ref TI c3)
    {
        var a = TS.AllBits(x);
        c0 = TS.AddProducts(a, w0, c0);
        c1 = TS.AddProducts(a, w1, c1);
        if (Registers == 2) return;
        c2 = TS.AddProducts(a, w2, c2);
        c3 = TS.AddProducts(a, w3, c3);
    }

    /// <summary>Adds a block's sums to the products of one register.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Finish(
        TF d, TF m, byte* header, TI c0, TI c1, TI c2, TI c3, float* scale, float* less, float* to)
    {
        var factor = TFormat.Part<TS, TF, TI>(d, header);
        var minimum = TFormat.HasMinimum ? TS.Multiply(m, TS.ToFloat(TS.WidenUInt8(header + Panel.Rows))) : m;
        AddTo(to, c0, factor, minimum, scale, less);
        if (TRows.Rows > 1) AddTo(to + Panel.Rows, c1, factor, minimum, scale + 1, less + 1);
        if (TRows.Rows > 2) AddTo(to + 2 * Panel.Rows, c2, factor, minimum, scale + 2, less + 2);
        if (TRows.Rows > 2) AddTo(to + 3 * Panel.Rows, c3, factor, minimum, scale + 3, less + 3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddTo(float* to, TI sum, TF factor, TF minimum, float* scale, float* less)
    {
        var all = TS.Fma(factor, TS.Multiply(TS.ToFloat(sum), TS.All(*scale)), TS.Load(to));
        if (TFormat.HasMinimum) all = TS.Fma(minimum, TS.All(*less), all);
        TS.Store(to, all);
    }
}
