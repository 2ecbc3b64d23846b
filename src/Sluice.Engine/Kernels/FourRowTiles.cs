using System.Runtime.CompilerServices;

namespace Sluice.Engine;

/// <summary>The tiles of four rows.</summary>
internal static unsafe partial class Tiles<TS, TF, TI, TFormat>
{
    /// <summary>Four rows, for machines with 16 registers: two registers of weights at a time.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Four(byte* panel, int columns, float* x, float* sums, float* sum)
    {
        var superColumns = TFormat.IsScaled ? TFormat.SuperColumns : columns;
        var blockColumns = TFormat.IsScaled ? TFormat.BlockColumns : columns;
        var mask0 = TS.AllBits(0xF);
        var mask1 = TS.AllBits(0xF0);
        var mask2 = TS.AllBits(0xF00);
        var mask3 = TS.AllBits(0xF000);
        for (var row = 0; row < Panel.Rows; row += 2 * TS.Width)
        {
            var at = panel;
            var from = x;
            var less = sums;
            var to = sum + row;
            if (TFormat.IsScaled) Clear(to, 4, 2);
            for (var s = 0; s < columns; s += superColumns)
            {
                var superBlock = at;
                at += TFormat.SuperHeaderBytes;
                Scales(superBlock, row, out var scale0, out var minimum0);
                Scales(superBlock, row + TS.Width, out var scale1, out var minimum1);
                for (var b = 0; b < superColumns; b += blockColumns)
                {
                    var block = at;
                    at += TFormat.BlockHeaderBytes;
                    TF c00 = TS.Zero, c01 = TS.Zero;
                    TF c10 = TS.Zero, c11 = TS.Zero;
                    TF c20 = TS.Zero, c21 = TS.Zero;
                    TF c30 = TS.Zero, c31 = TS.Zero;
                    for (var g = 0; g < blockColumns; g += TFormat.GroupColumns)
                    {
                        var w0 = TFormat.Load<TS, TF, TI>(at, row);
                        var w1 = TFormat.Load<TS, TF, TI>(at, row + TS.Width);
                        var h0 = TFormat.LoadHigh<TS, TF, TI>(at, row);
                        var h1 = TFormat.LoadHigh<TS, TF, TI>(at, row + TS.Width);
                        at += TFormat.GroupBytes;
                        for (var r = 0; r < TFormat.GroupColumns; r += TFormat.RunColumns)
                        {
                            FourColumn(from, w0, h0, w1, h1, mask0,
                                ref c00, ref c01, ref c10, ref c11, ref c20, ref c21, ref c30, ref c31);
                            if (TFormat.RunColumns == 1) break;
                            FourColumn(from + 4, w0, h0, w1, h1, mask1,
                                ref c00, ref c01, ref c10, ref c11, ref c20, ref c21, ref c30, ref c31);
                            FourColumn(from + 8, w0, h0, w1, h1, mask2,
                                ref c00, ref c01, ref c10, ref c11, ref c20, ref c21, ref c30, ref c31);
                            FourColumn(from + 12, w0, h0, w1, h1, mask3,
                                ref c00, ref c01, ref c10, ref c11, ref c20, ref c21, ref c30, ref c31);
                            from += 16;
                            w0 = TS.Right16(w0);
                            w1 = TS.Right16(w1);
                            if (!TFormat.HasHighBits) continue;
                            h0 = TS.Right2(h0);
                            h1 = TS.Right2(h1);
                        }

                        if (TFormat.RunColumns == 1) from += 4;
                    }

                    Parts(block, row, scale0, minimum0, out var part0, out var partMinimum0);
                    Finish(to, c00, part0, partMinimum0, less);
                    Finish(to + Panel.Rows, c10, part0, partMinimum0, less + 1);
                    Finish(to + 2 * Panel.Rows, c20, part0, partMinimum0, less + 2);
                    Finish(to + 3 * Panel.Rows, c30, part0, partMinimum0, less + 3);
                    Parts(block, row + TS.Width, scale1, minimum1, out var part1, out var partMinimum1);
                    Finish(to + TS.Width, c01, part1, partMinimum1, less);
                    Finish(to + TS.Width + Panel.Rows, c11, part1, partMinimum1, less + 1);
                    Finish(to + TS.Width + 2 * Panel.Rows, c21, part1, partMinimum1, less + 2);
                    Finish(to + TS.Width + 3 * Panel.Rows, c31, part1, partMinimum1, less + 3);
                    less += 4;
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FourColumn(
        float* x, TI w0, TI h0, TI w1, TI h1, TI mask,
        ref TF c00, ref TF c01, ref TF c10, ref TF c11, ref TF c20, ref TF c21, ref TF c30, ref TF c31)
    {
        var b0 = TFormat.Value<TS, TF, TI>(w0, h0, mask);
        var b1 = TFormat.Value<TS, TF, TI>(w1, h1, mask);
        var a = TS.All(x[0]);
        c00 = TS.Fma(a, b0, c00);
        c01 = TS.Fma(a, b1, c01);
        a = TS.All(x[1]);
        c10 = TS.Fma(a, b0, c10);
        c11 = TS.Fma(a, b1, c11);
        a = TS.All(x[2]);
        c20 = TS.Fma(a, b0, c20);
        c21 = TS.Fma(a, b1, c21);
        a = TS.All(x[3]);
        c30 = TS.Fma(a, b0, c30);
        c31 = TS.Fma(a, b1, c31);
    }

    /// <summary>Four rows, for machines with 32 registers: a panel is read once.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void FourWide(byte* panel, int columns, float* x, float* sums, float* sum)
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
            if (TFormat.IsScaled) Clear(to, 4, 4);
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
                    TF c20 = TS.Zero, c21 = TS.Zero, c22 = TS.Zero, c23 = TS.Zero;
                    TF c30 = TS.Zero, c31 = TS.Zero, c32 = TS.Zero, c33 = TS.Zero;
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
                            FourWideColumn(from, w0, h0, w1, h1, w2, h2, w3, h3, mask0,
                                ref c00, ref c01, ref c02, ref c03, ref c10, ref c11, ref c12, ref c13,
                                ref c20, ref c21, ref c22, ref c23, ref c30, ref c31, ref c32, ref c33);
                            if (TFormat.RunColumns == 1) break;
                            FourWideColumn(from + 4, w0, h0, w1, h1, w2, h2, w3, h3, mask1,
                                ref c00, ref c01, ref c02, ref c03, ref c10, ref c11, ref c12, ref c13,
                                ref c20, ref c21, ref c22, ref c23, ref c30, ref c31, ref c32, ref c33);
                            FourWideColumn(from + 8, w0, h0, w1, h1, w2, h2, w3, h3, mask2,
                                ref c00, ref c01, ref c02, ref c03, ref c10, ref c11, ref c12, ref c13,
                                ref c20, ref c21, ref c22, ref c23, ref c30, ref c31, ref c32, ref c33);
                            FourWideColumn(from + 12, w0, h0, w1, h1, w2, h2, w3, h3, mask3,
                                ref c00, ref c01, ref c02, ref c03, ref c10, ref c11, ref c12, ref c13,
                                ref c20, ref c21, ref c22, ref c23, ref c30, ref c31, ref c32, ref c33);
                            from += 16;
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

                        if (TFormat.RunColumns == 1) from += 4;
                    }

                    Parts(block, row, scale0, minimum0, out var part0, out var partMinimum0);
                    Finish(to, c00, part0, partMinimum0, less);
                    Finish(to + Panel.Rows, c10, part0, partMinimum0, less + 1);
                    Finish(to + 2 * Panel.Rows, c20, part0, partMinimum0, less + 2);
                    Finish(to + 3 * Panel.Rows, c30, part0, partMinimum0, less + 3);
                    Parts(block, row + TS.Width, scale1, minimum1, out var part1, out var partMinimum1);
                    Finish(to + TS.Width, c01, part1, partMinimum1, less);
                    Finish(to + TS.Width + Panel.Rows, c11, part1, partMinimum1, less + 1);
                    Finish(to + TS.Width + 2 * Panel.Rows, c21, part1, partMinimum1, less + 2);
                    Finish(to + TS.Width + 3 * Panel.Rows, c31, part1, partMinimum1, less + 3);
                    Parts(block, row + 2 * TS.Width, scale2, minimum2, out var part2, out var partMinimum2);
                    Finish(to + 2 * TS.Width, c02, part2, partMinimum2, less);
                    Finish(to + 2 * TS.Width + Panel.Rows, c12, part2, partMinimum2, less + 1);
                    Finish(to + 2 * TS.Width + 2 * Panel.Rows, c22, part2, partMinimum2, less + 2);
                    Finish(to + 2 * TS.Width + 3 * Panel.Rows, c32, part2, partMinimum2, less + 3);
                    Parts(block, row + 3 * TS.Width, scale3, minimum3, out var part3, out var partMinimum3);
                    Finish(to + 3 * TS.Width, c03, part3, partMinimum3, less);
                    Finish(to + 3 * TS.Width + Panel.Rows, c13, part3, partMinimum3, less + 1);
                    Finish(to + 3 * TS.Width + 2 * Panel.Rows, c23, part3, partMinimum3, less + 2);
                    Finish(to + 3 * TS.Width + 3 * Panel.Rows, c33, part3, partMinimum3, less + 3);
                    less += 4;
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FourWideColumn(
        float* x, TI w0, TI h0, TI w1, TI h1, TI w2, TI h2, TI w3, TI h3, TI mask,
        ref TF c00, ref TF c01, ref TF c02, ref TF c03,
        ref TF c10, ref TF c11, ref TF c12, ref TF c13,
        ref TF c20, ref TF c21, ref TF c22, ref TF c23,
        ref TF c30, ref TF c31, ref TF c32, ref TF c33)
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
        a = TS.All(x[2]);
        c20 = TS.Fma(a, b0, c20);
        c21 = TS.Fma(a, b1, c21);
        c22 = TS.Fma(a, b2, c22);
        c23 = TS.Fma(a, b3, c23);
        a = TS.All(x[3]);
        c30 = TS.Fma(a, b0, c30);
        c31 = TS.Fma(a, b1, c31);
        c32 = TS.Fma(a, b2, c32);
        c33 = TS.Fma(a, b3, c33);
    }
}
