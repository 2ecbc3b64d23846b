using System.Runtime.CompilerServices;

namespace Sluice.Engine;

/// <summary>Codes of five bits in the place of six, scaled as <see cref="Q4KFormat"/> (Q5_K).</summary>
internal readonly unsafe struct Q5KFormat : IWeightFormat
{
    public static bool IsScaled => true;
    public static bool HasMinimum => true;
    public static bool HasHighBits => true;
    public static int SuperColumns => 256;
    public static int BlockColumns => 32;
    public static int GroupColumns => 8;
    public static int RunColumns => 4;
    public static int SuperHeaderBytes => 256;
    public static int BlockHeaderBytes => 128;
    public static int GroupBytes => 384;
    public static float OutputScale => 1;

    public static float ActivationScale(int column) => 1f / (1 << (4 * (column & 3)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TI Load<TS, TF, TI>(byte* group, int row)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged =>
        TS.LoadBits(group + 4 * row);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TI LoadHigh<TS, TF, TI>(byte* group, int row)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged =>
        TS.Left4(TS.WidenUInt16(group + 256 + 2 * row));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TF Value<TS, TF, TI>(TI words, TI high, TI mask)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged =>
        TS.ToFloat(TS.And(TS.Select(mask, words, high), TS.Wider(mask)));

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

/// <summary>Codes of six bits: four in a word of eight columns, two more in a half word; weight = scale · (code − 32),
/// the scale a signed byte per 16 columns times a half per 256 (Q6_K).</summary>
internal readonly unsafe struct Q6KFormat : IWeightFormat
{
    public static bool IsScaled => true;
    public static bool HasMinimum => true;
    public static bool HasHighBits => true;
    public static int SuperColumns => 256;
    public static int BlockColumns => 16;
    public static int GroupColumns => 8;
    public static int RunColumns => 4;
    public static int SuperHeaderBytes => 128;
    public static int BlockHeaderBytes => 64;
    public static int GroupBytes => 384;
    public static float OutputScale => 1;

    public static float ActivationScale(int column) => 1f / (1 << (4 * (column & 3)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TI Load<TS, TF, TI>(byte* group, int row)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged =>
        TS.LoadBits(group + 4 * row);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TI LoadHigh<TS, TF, TI>(byte* group, int row)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged =>
        TS.Left4(TS.WidenUInt16(group + 256 + 2 * row));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TF Value<TS, TF, TI>(TI words, TI high, TI mask)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged =>
        TS.ToFloat(TS.And(TS.Select(mask, words, high), TS.Wider(mask)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TF Scale<TS, TF, TI>(byte* superBlock, int row)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged =>
        Panel.Halves<TS, TF, TI>(superBlock + 2 * row);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TF Minimum<TS, TF, TI>(byte* superBlock, int row)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged =>
        TS.Multiply(Panel.Halves<TS, TF, TI>(superBlock + 2 * row), TS.All(32));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TF PartScale<TS, TF, TI>(byte* block, int row)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged =>
        TS.ToFloat(TS.WidenInt8(block + row));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TF PartMinimum<TS, TF, TI>(byte* block, int row)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged =>
        TS.ToFloat(TS.WidenInt8(block + row));
}
