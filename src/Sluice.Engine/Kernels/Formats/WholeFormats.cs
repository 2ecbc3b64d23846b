using System.Runtime.CompilerServices;

namespace Sluice.Engine;

/// <summary>Floats.</summary>
internal readonly unsafe struct F32Format : IWholeFormat
{
    public static int ColumnBytes => 4 * Panel.Rows;
    public static float ActivationFactor => 1;
    public static float OutputFactor => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TF Load<TS, TF, TI>(byte* column, int row)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged =>
        TS.Load((float*)column + row);
}

/// <summary>Halves. The factor that their bits lack as a float is split between activations and sums, so that neither
/// overflows.</summary>
internal readonly unsafe struct F16Format : IWholeFormat
{
    public static int ColumnBytes => 2 * Panel.Rows;
    public static float ActivationFactor => 7.922816251426434e28f;
    public static float OutputFactor => 65536;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TF Load<TS, TF, TI>(byte* column, int row)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged =>
        Panel.HalfBits<TS, TF, TI>(TS.WidenInt16(column + 2 * row));
}

/// <summary>The upper halves of floats.</summary>
internal readonly unsafe struct BF16Format : IWholeFormat
{
    public static int ColumnBytes => 2 * Panel.Rows;
    public static float ActivationFactor => 1;
    public static float OutputFactor => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TF Load<TS, TF, TI>(byte* column, int row)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged =>
        TS.AsFloat(TS.Left16(TS.WidenUInt16(column + 2 * row)));
}
