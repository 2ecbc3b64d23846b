using System.Runtime.CompilerServices;

namespace Sluice.Engine;

/// <summary>Signed bytes, with a half as scale per 32 columns (Q8_0).</summary>
internal readonly unsafe struct Q8Format : IWeightFormat
{
    public static bool IsScaled => true;
    public static bool HasMinimum => false;
    public static bool HasHighBits => false;
    public static int SuperColumns => 32;
    public static int BlockColumns => 32;
    public static int GroupColumns => 1;
    public static int RunColumns => 1;
    public static int SuperHeaderBytes => 128;
    public static int BlockHeaderBytes => 0;
    public static int GroupBytes => 64;
    public static float OutputScale => 1;

    public static float ActivationScale(int column) => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TI Load<TS, TF, TI>(byte* group, int row)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged =>
        TS.WidenInt8(group + row);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TI LoadHigh<TS, TF, TI>(byte* group, int row)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged =>
        default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TF Value<TS, TF, TI>(TI words, TI high, TI mask)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged =>
        TS.ToFloat(words);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TF Scale<TS, TF, TI>(byte* superBlock, int row)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged =>
        Panel.Halves<TS, TF, TI>(superBlock + 2 * row);

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
