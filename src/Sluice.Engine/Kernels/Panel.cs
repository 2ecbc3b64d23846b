using System.Runtime.CompilerServices;

namespace Sluice.Engine;

/// <summary>What every layout of weights shares: panels of 64 rows, in each the columns from first to last. A row has a lane
/// of its own, so that sums run along the columns and never across lanes.</summary>
internal static unsafe class Panel
{
    /// <summary>Rows side by side: four registers of 16 lanes, so that one row of activations has four sums running and
    /// hides the latency of a multiply-add.</summary>
    public const int Rows = 64;

    /// <summary>Two to the 112: what a half read as the upper part of a float lacks.</summary>
    public const float HalfBias = 5.192296858534828e33f;

    /// <summary>Halves as floats, without the factor <see cref="HalfBias"/>. Infinities become 65536.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TF HalfBits<TS, TF, TI>(TI words)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged =>
        TS.AsFloat(TS.And(TS.Left13(words), TS.AllBits(unchecked((int)0x8FFFE000))));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TF Halves<TS, TF, TI>(byte* at)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged =>
        TS.Multiply(HalfBits<TS, TF, TI>(TS.WidenInt16(at)), TS.All(HalfBias));
}
