using System.Runtime.CompilerServices;

namespace Sluice.Engine;

/// <summary>Products of a panel of 64 weight rows with 1, 2 or 4 rows of activations.</summary>
/// <remarks>Every product is summed along the columns from first to last, one fused multiply-add each, in its own lane; scaled
/// formats do so within a block and add up the blocks in order. That order is the same in all of them, at every width, so a row
/// of activations gives the same bits whichever rows it is computed with. The bodies differ only in how many sums are
/// kept in registers.</remarks>
internal static unsafe partial class Tiles<TS, TF, TI, TFormat>
    where TS : struct, ISimd<TF, TI>
    where TF : unmanaged
    where TI : unmanaged
    where TFormat : struct, IWeightFormat
{
    // Parameters of all: the panel; its columns; activations, column by column, the rows beside one another;
    // minus their sums per block, likewise; and where the 64 products of each row go.

    /// <summary>One row: four registers of weights at a time.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void One(byte* panel, int columns, float* x, float* sums, float* sum)
    {
        var superColumns = TFormat.IsScaled ? TFormat.SuperColumns : columns;
        var blockColumns = TFormat.IsScaled ? TFormat.BlockColumns : columns;
        var mask0 = TS.AllBits(0xF);
        var mask1 = TS.AllBits(0xF0);
        var mask2 = TS.AllBits(0xF00);
        var mask3 = TS.AllBits(0xF000);
        for (var row = 0; row < Panel.Rows; row += 4 * TS.Width)
        {
            var at = panel;
            var from = x;
            var less = sums;
            var to = sum + row;
            if (TFormat.IsScaled) Clear(to, 1, 4);
            for (var s = 0; s < columns; s += superColumns)
            {
                var superBlock = at;
                at += TFormat.SuperHeaderBytes;
                Scales(superBlock, row, out var scale0, out var minimum0);
                Scales(superBlock, row + TS.Width, out var scale1, out var minimum1);
                Scales(superBlock, row + 2 * TS.Width, out var scale2, out var minimum2);
                Scales(superBlock, row + 3 * TS.Width, out var scale3, out var minimum3);
                for (var b = 0; b < superColumns; b += blockColumns)
                {
                    var block = at;
                    at += TFormat.BlockHeaderBytes;
                    TF c00 = TS.Zero, c01 = TS.Zero, c02 = TS.Zero, c03 = TS.Zero;
                    for (var g = 0; g < blockColumns; g += TFormat.GroupColumns)
                    {
                        var w0 = TFormat.Load<TS, TF, TI>(at, row);
                        var w1 = TFormat.Load<TS, TF, TI>(at, row + TS.Width);
                        var w2 = TFormat.Load<TS, TF, TI>(at, row + 2 * TS.Width);
                        var w3 = TFormat.Load<TS, TF, TI>(at, row + 3 * TS.Width);
                        var h0 = TFormat.LoadHigh<TS, TF, TI>(at, row);
                        var h1 = TFormat.LoadHigh<TS, TF, TI>(at, row + TS.Width);
                        var h2 = TFormat.LoadHigh<TS, TF, TI>(at, row + 2 * TS.Width);
                        var h3 = TFormat.LoadHigh<TS, TF, TI>(at, row + 3 * TS.Width);
                        at += TFormat.GroupBytes;
                        for (var r = 0; r < TFormat.GroupColumns; r += TFormat.RunColumns)
                        {
                            OneColumn(from, w0, h0, w1, h1, w2, h2, w3, h3, mask0,
                                ref c00, ref c01, ref c02, ref c03);
                            if (TFormat.RunColumns == 1) break;
                            OneColumn(from + 1, w0, h0, w1, h1, w2, h2, w3, h3, mask1,
                                ref c00, ref c01, ref c02, ref c03);
                            OneColumn(from + 2, w0, h0, w1, h1, w2, h2, w3, h3, mask2,
                                ref c00, ref c01, ref c02, ref c03);
                            OneColumn(from + 3, w0, h0, w1, h1, w2, h2, w3, h3, mask3,
                                ref c00, ref c01, ref c02, ref c03);
                            from += 4;
                            w0 = TS.Right16(w0);
                            w1 = TS.Right16(w1);
                            w2 = TS.Right16(w2);
                            w3 = TS.Right16(w3);
                            if (!TFormat.HasHighBits) continue;
                            h0 = TS.Right2(h0);
                            h1 = TS.Right2(h1);
                            h2 = TS.Right2(h2);
                            h3 = TS.Right2(h3);
                        }

                        if (TFormat.RunColumns == 1) from += 1;
                    }

                    Parts(block, row, scale0, minimum0, out var part0, out var partMinimum0);
                    Finish(to, c00, part0, partMinimum0, less);
                    Parts(block, row + TS.Width, scale1, minimum1, out var part1, out var partMinimum1);
                    Finish(to + TS.Width, c01, part1, partMinimum1, less);
                    Parts(block, row + 2 * TS.Width, scale2, minimum2, out var part2, out var partMinimum2);
                    Finish(to + 2 * TS.Width, c02, part2, partMinimum2, less);
                    Parts(block, row + 3 * TS.Width, scale3, minimum3, out var part3, out var partMinimum3);
                    Finish(to + 3 * TS.Width, c03, part3, partMinimum3, less);
                    less += 1;
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void OneColumn(
        float* x, TI w0, TI h0, TI w1, TI h1, TI w2, TI h2, TI w3, TI h3, TI mask,
        ref TF c00, ref TF c01, ref TF c02, ref TF c03)
    {
        var b0 = TFormat.Value<TS, TF, TI>(w0, h0, mask);
        var b1 = TFormat.Value<TS, TF, TI>(w1, h1, mask);
        var b2 = TFormat.Value<TS, TF, TI>(w2, h2, mask);
        var b3 = TFormat.Value<TS, TF, TI>(w3, h3, mask);
        var a = TS.All(x[0]);
        c00 = TS.Fma(a, b0, c00);
        c01 = TS.Fma(a, b1, c01);
        c02 = TS.Fma(a, b2, c02);
        c03 = TS.Fma(a, b3, c03);
    }

    /// <summary>Two rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Two(byte* panel, int columns, float* x, float* sums, float* sum)
    {
        var superColumns = TFormat.IsScaled ? TFormat.SuperColumns : columns;
        var blockColumns = TFormat.IsScaled ? TFormat.BlockColumns : columns;
        var mask0 = TS.AllBits(0xF);
        var mask1 = TS.AllBits(0xF0);
        var mask2 = TS.AllBits(0xF00);
        var mask3 = TS.AllBits(0xF000);
        for (var row = 0; row < Panel.Rows; row += 4 * TS.Width)
        {
            var at = panel;
            var from = x;
            var less = sums;
            var to = sum + row;
            if (TFormat.IsScaled) Clear(to, 2, 4);
            for (var s = 0; s < columns; s += superColumns)
            {
                var superBlock = at;
                at += TFormat.SuperHeaderBytes;
                Scales(superBlock, row, out var scale0, out var minimum0);
                Scales(superBlock, row + TS.Width, out var scale1, out var minimum1);
                Scales(superBlock, row + 2 * TS.Width, out var scale2, out var minimum2);
                Scales(superBlock, row + 3 * TS.Width, out var scale3, out var minimum3);
                for (var b = 0; b < superColumns; b += blockColumns)
                {
                    var block = at;
                    at += TFormat.BlockHeaderBytes;
                    TF c00 = TS.Zero, c01 = TS.Zero, c02 = TS.Zero, c03 = TS.Zero;
                    TF c10 = TS.Zero, c11 = TS.Zero, c12 = TS.Zero, c13 = TS.Zero;
                    for (var g = 0; g < blockColumns; g += TFormat.GroupColumns)
                    {
                        var w0 = TFormat.Load<TS, TF, TI>(at, row);
                        var w1 = TFormat.Load<TS, TF, TI>(at, row + TS.Width);
                        var w2 = TFormat.Load<TS, TF, TI>(at, row + 2 * TS.Width);
                        var w3 = TFormat.Load<TS, TF, TI>(at, row + 3 * TS.Width);
                        var h0 = TFormat.LoadHigh<TS, TF, TI>(at, row);
                        var h1 = TFormat.LoadHigh<TS, TF, TI>(at, row + TS.Width);
                        var h2 = TFormat.LoadHigh<TS, TF, TI>(at, row + 2 * TS.Width);
                        var h3 = TFormat.LoadHigh<TS, TF, TI>(at, row + 3 * TS.Width);
                        at += TFormat.GroupBytes;
                        for (var r = 0; r < TFormat.GroupColumns; r += TFormat.RunColumns)
                        {
                            TwoColumn(from, w0, h0, w1, h1, w2, h2, w3, h3, mask0,
                                ref c00, ref c01, ref c02, ref c03, ref c10, ref c11, ref c12, ref c13);
                            if (TFormat.RunColumns == 1) break;
                            TwoColumn(from + 2, w0, h0, w1, h1, w2, h2, w3, h3, mask1,
                                ref c00, ref c01, ref c02, ref c03, ref c10, ref c11, ref c12, ref c13);
                            TwoColumn(from + 4, w0, h0, w1, h1, w2, h2, w3, h3, mask2,
                                ref c00, ref c01, ref c02, ref c03, ref c10, ref c11, ref c12, ref c13);
                            TwoColumn(from + 6, w0, h0, w1, h1, w2, h2, w3, h3, mask3,
                                ref c00, ref c01, ref c02, ref c03, ref c10, ref c11, ref c12, ref c13);
                            from += 8;
                            w0 = TS.Right16(w0);
                            w1 = TS.Right16(w1);
                            w2 = TS.Right16(w2);
                            w3 = TS.Right16(w3);
                            if (!TFormat.HasHighBits) continue;
                            h0 = TS.Right2(h0);
                            h1 = TS.Right2(h1);
                            h2 = TS.Right2(h2);
                            h3 = TS.Right2(h3);
                        }

                        if (TFormat.RunColumns == 1) from += 2;
                    }

                    Parts(block, row, scale0, minimum0, out var part0, out var partMinimum0);
                    Finish(to, c00, part0, partMinimum0, less);
                    Finish(to + Panel.Rows, c10, part0, partMinimum0, less + 1);
                    Parts(block, row + TS.Width, scale1, minimum1, out var part1, out var partMinimum1);
                    Finish(to + TS.Width, c01, part1, partMinimum1, less);
                    Finish(to + TS.Width + Panel.Rows, c11, part1, partMinimum1, less + 1);
                    Parts(block, row + 2 * TS.Width, scale2, minimum2, out var part2, out var partMinimum2);
                    Finish(to + 2 * TS.Width, c02, part2, partMinimum2, less);
                    Finish(to + 2 * TS.Width + Panel.Rows, c12, part2, partMinimum2, less + 1);
                    Parts(block, row + 3 * TS.Width, scale3, minimum3, out var part3, out var partMinimum3);
                    Finish(to + 3 * TS.Width, c03, part3, partMinimum3, less);
                    Finish(to + 3 * TS.Width + Panel.Rows, c13, part3, partMinimum3, less + 1);
                    less += 2;
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void TwoColumn(
        float* x, TI w0, TI h0, TI w1, TI h1, TI w2, TI h2, TI w3, TI h3, TI mask,
        ref TF c00, ref TF c01, ref TF c02, ref TF c03,
        ref TF c10, ref TF c11, ref TF c12, ref TF c13)
    {
        var b0 = TFormat.Value<TS, TF, TI>(w0, h0, mask);
        var b1 = TFormat.Value<TS, TF, TI>(w1, h1, mask);
        var b2 = TFormat.Value<TS, TF, TI>(w2, h2, mask);
        var b3 = TFormat.Value<TS, TF, TI>(w3, h3, mask);
        var a = TS.All(x[0]);
        c00 = TS.Fma(a, b0, c00);
        c01 = TS.Fma(a, b1, c01);
        c02 = TS.Fma(a, b2, c02);
        c03 = TS.Fma(a, b3, c03);
        a = TS.All(x[1]);
        c10 = TS.Fma(a, b0, c10);
        c11 = TS.Fma(a, b1, c11);
        c12 = TS.Fma(a, b2, c12);
        c13 = TS.Fma(a, b3, c13);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Scales(byte* superBlock, int row, out TF scale, out TF minimum)
    {
        scale = TFormat.IsScaled ? TFormat.Scale<TS, TF, TI>(superBlock, row) : TS.All(TFormat.OutputScale);
        minimum = TFormat.HasMinimum ? TFormat.Minimum<TS, TF, TI>(superBlock, row) : TS.Zero;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Parts(byte* block, int row, TF scale, TF minimum, out TF part, out TF partMinimum)
    {
        part = TFormat.BlockHeaderBytes > 0 ? TS.Multiply(scale, TFormat.PartScale<TS, TF, TI>(block, row)) : scale;
        partMinimum = TFormat.BlockHeaderBytes > 0
            ? TS.Multiply(minimum, TFormat.PartMinimum<TS, TF, TI>(block, row))
            : minimum;
    }

    /// <summary>Adds a block's sums to the products; without scales there is one block, and they are the products.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Finish(float* to, TF sum, TF scale, TF minimum, float* less)
    {
        if (!TFormat.IsScaled)
        {
            TS.Store(to, TFormat.OutputScale == 1 ? sum : TS.Multiply(sum, scale));
            return;
        }

        var all = TS.Fma(scale, sum, TS.Load(to));
        if (TFormat.HasMinimum) all = TS.Fma(minimum, TS.All(*less), all);
        TS.Store(to, all);
    }

    /// <summary>The values that the kernels multiply with, as floats, column by column; for formats without scales.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Expand(byte* panel, int columns, float* to)
    {
        for (var c = 0; c < columns; c++)
        {
            for (var row = 0; row < Panel.Rows; row += TS.Width)
                TS.Store(to + row, TFormat.Value<TS, TF, TI>(TFormat.Load<TS, TF, TI>(panel, row), default, default));
            panel += TFormat.GroupBytes;
            to += Panel.Rows;
        }
    }

    private static void Clear(float* to, int rows, int vectors)
    {
        for (var m = 0; m < rows; m++)
            for (var v = 0; v < vectors; v++) TS.Store(to + m * Panel.Rows + v * TS.Width, TS.Zero);
    }
}
