using System.Runtime.CompilerServices;

namespace Sluice.Engine;

/// <summary>Floats: a row of 64 per column.</summary>
internal readonly unsafe struct F32Format : IWeightFormat
{
    public static bool IsScaled => false;
    public static bool HasMinimum => false;
    public static bool HasHighBits => false;
    public static int SuperColumns => 1;
    public static int BlockColumns => 1;
    public static int GroupColumns => 1;
    public static int RunColumns => 1;
    public static int SuperHeaderBytes => 0;
    public static int BlockHeaderBytes => 0;
    public static int GroupBytes => 256;
    public static float OutputScale => 1;

    public static float ActivationScale(int column) => 1;

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
        TS.AsFloat(words);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TF Scale<TS, TF, TI>(byte* superBlock, int row)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged =>
        TS.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TF Minimum<TS, TF, TI>(byte* superBlock, int row)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged =>
        TS.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TF PartScale<TS, TF, TI>(byte* block, int row)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged =>
        TS.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TF PartMinimum<TS, TF, TI>(byte* block, int row)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged =>
        TS.Zero;
}

/// <summary>Halves. The factor that their bits lack as a float is split between activations and sums, so that neither
/// overflows.</summary>
internal readonly unsafe struct F16Format : IWeightFormat
{
    public static bool IsScaled => false;
    public static bool HasMinimum => false;
    public static bool HasHighBits => false;
    public static int SuperColumns => 1;
    public static int BlockColumns => 1;
    public static int GroupColumns => 1;
    public static int RunColumns => 1;
    public static int SuperHeaderBytes => 0;
    public static int BlockHeaderBytes => 0;
    public static int GroupBytes => 128;
    public static float OutputScale => 65536;

    public static float ActivationScale(int column) => 7.922816251426434e28f;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TI Load<TS, TF, TI>(byte* group, int row)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged =>
        TS.WidenInt16(group + 2 * row);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TI LoadHigh<TS, TF, TI>(byte* group, int row)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged =>
        default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TF Value<TS, TF, TI>(TI words, TI high, TI mask)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged =>
        Panel.HalfBits<TS, TF, TI>(words);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TF Scale<TS, TF, TI>(byte* superBlock, int row)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged =>
        TS.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TF Minimum<TS, TF, TI>(byte* superBlock, int row)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged =>
        TS.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TF PartScale<TS, TF, TI>(byte* block, int row)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged =>
        TS.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TF PartMinimum<TS, TF, TI>(byte* block, int row)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged =>
        TS.Zero;
}

/// <summary>The upper halves of floats.</summary>
internal readonly unsafe struct BF16Format : IWeightFormat
{
    public static bool IsScaled => false;
    public static bool HasMinimum => false;
    public static bool HasHighBits => false;
    public static int SuperColumns => 1;
    public static int BlockColumns => 1;
    public static int GroupColumns => 1;
    public static int RunColumns => 1;
    public static int SuperHeaderBytes => 0;
    public static int BlockHeaderBytes => 0;
    public static int GroupBytes => 128;
    public static float OutputScale => 1;

    public static float ActivationScale(int column) => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TI Load<TS, TF, TI>(byte* group, int row)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged =>
        TS.WidenUInt16(group + 2 * row);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TI LoadHigh<TS, TF, TI>(byte* group, int row)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged =>
        default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TF Value<TS, TF, TI>(TI words, TI high, TI mask)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged =>
        TS.AsFloat(TS.Left16(words));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TF Scale<TS, TF, TI>(byte* superBlock, int row)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged =>
        TS.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TF Minimum<TS, TF, TI>(byte* superBlock, int row)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged =>
        TS.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TF PartScale<TS, TF, TI>(byte* block, int row)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged =>
        TS.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TF PartMinimum<TS, TF, TI>(byte* block, int row)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged =>
        TS.Zero;
}
