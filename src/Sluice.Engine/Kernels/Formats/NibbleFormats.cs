using System.Runtime.CompilerServices;

namespace Sluice.Engine;

/// <summary>Codes of four bits, eight columns to a word; weight = scale · (code − 8), a half as scale per 32 columns
/// (Q4_0).</summary>
internal readonly unsafe struct Q4Format : IWeightFormat
{
    public static bool IsScaled => true;
    public static bool HasMinimum => true;
    public static bool HasHighBits => false;
    public static int SuperColumns => 32;
    public static int BlockColumns => 32;
    public static int GroupColumns => 8;
    public static int RunColumns => 4;
    public static int SuperHeaderBytes => 128;
    public static int BlockHeaderBytes => 0;
    public static int GroupBytes => 256;
    public static float OutputScale => 1;

    public static float ActivationScale(int column) => 1f / (1 << (4 * (column & 3)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TI Load<TS, TF, TI>(byte* group, int row)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged =>
        TS.LoadBits(group + 4 * row);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TI LoadHigh<TS, TF, TI>(byte* group, int row)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged =>
        default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TF Value<TS, TF, TI>(TI words, TI high, TI mask)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged =>
        TS.ToFloat(TS.And(words, mask));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TF Scale<TS, TF, TI>(byte* superBlock, int row)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged =>
        Panel.Halves<TS, TF, TI>(superBlock + 2 * row);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TF Minimum<TS, TF, TI>(byte* superBlock, int row)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged =>
        TS.Multiply(Panel.Halves<TS, TF, TI>(superBlock + 2 * row), TS.All(8));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TF PartScale<TS, TF, TI>(byte* block, int row)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged =>
        TS.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TF PartMinimum<TS, TF, TI>(byte* block, int row)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged =>
        TS.Zero;
}

/// <summary>Codes of four bits; scale and minimum per 32 columns are bytes, times halves per 256 columns
/// (Q4_K).</summary>
internal readonly unsafe struct Q4KFormat : IWeightFormat
{
    public static bool IsScaled => true;
    public static bool HasMinimum => true;
    public static bool HasHighBits => false;
    public static int SuperColumns => 256;
    public static int BlockColumns => 32;
    public static int GroupColumns => 8;
    public static int RunColumns => 4;
    public static int SuperHeaderBytes => 256;
    public static int BlockHeaderBytes => 128;
    public static int GroupBytes => 256;
    public static float OutputScale => 1;

    public static float ActivationScale(int column) => 1f / (1 << (4 * (column & 3)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TI Load<TS, TF, TI>(byte* group, int row)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged =>
        TS.LoadBits(group + 4 * row);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TI LoadHigh<TS, TF, TI>(byte* group, int row)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged =>
        default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TF Value<TS, TF, TI>(TI words, TI high, TI mask)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged =>
        TS.ToFloat(TS.And(words, mask));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TF Scale<TS, TF, TI>(byte* superBlock, int row)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged =>
        Panel.Halves<TS, TF, TI>(superBlock + 2 * row);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TF Minimum<TS, TF, TI>(byte* superBlock, int row)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged =>
        Panel.Halves<TS, TF, TI>(superBlock + 128 + 2 * row);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TF PartScale<TS, TF, TI>(byte* block, int row)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged =>
        TS.ToFloat(TS.WidenUInt8(block + row));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TF PartMinimum<TS, TF, TI>(byte* block, int row)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged =>
        TS.ToFloat(TS.WidenUInt8(block + 64 + row));
}
