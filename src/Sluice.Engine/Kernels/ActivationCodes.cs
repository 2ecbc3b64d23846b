using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Sluice.Engine;

/// <summary>Rounds activations to whole numbers of 16 bits, largest 32767, with a float as scale per super-block of columns.</summary>
/// <remarks>That is 256 times finer than the eight bits that are usual beside quantised weights. Products are the same bits on
/// every instruction set: rounding is to the nearest even, sums of whole numbers are exact. A number that is not finite makes
/// the scale, and so the products, not finite.</remarks>
internal static unsafe class ActivationCodes
{
    private const float Largest = 32767;

    /// <summary>Adding it leaves a float no room for fractions: its lowest bits are then the rounded number.</summary>
    private const float Whole = 12582912;

    /// <summary>Below, a scale would leave the range of ordinary floats.</summary>
    private const float Least = 1e-30f;

    /// <summary>One row. For every super-block its scale goes to <paramref name="scales"/>, then per block what its sums are
    /// corrected by: with an offset, minus the offset's share, as a whole number; without, minus the sum of the
    /// activations.</summary>
    /// <param name="to">Pairs of columns, <paramref name="width"/> words apart, as scales are.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Write(in ActivationForm form, float* from, int columns, int* to, float* scales, int width)
    {
        for (var s = 0; s < columns; s += form.SuperColumns)
        {
            var largest = LargestOf(from + s, form.SuperColumns);
            var (scale, inverse) = largest < Least ? (0, 0) : (largest / Largest, Largest / largest);
            *scales = scale;
            scales += width;
            for (var b = 0; b < form.SuperColumns; b += form.BlockColumns)
            {
                var sum = 0;
                for (var c = 0; c < form.BlockColumns; c += Lanes.Count)
                {
                    sum += WriteLanes(from + s + b + c, inverse, to, width);
                    to += Lanes.Count / 2 * width;
                }

                if (form.Offset == 0) *scales = -scale * sum;
                else *(int*)scales = -form.Offset * sum;
                scales += width;
            }
        }
    }

    /// <summary>The largest size. Compared as bits, in which whatever is not finite is larger than all numbers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float LargestOf(float* from, int count)
    {
        var most = Vector512<int>.Zero;
        for (var i = 0; i < count; i += Lanes.Count)
            most = Vector512.Max(most, Vector512.Load((int*)(from + i)) & Vector512.Create(int.MaxValue));
        var half = Vector256.Max(most.GetLower(), most.GetUpper());
        var quarter = Vector128.Max(half.GetLower(), half.GetUpper());
        return BitConverter.Int32BitsToSingle(Math.Max(
            Math.Max(quarter.GetElement(0), quarter.GetElement(1)), Math.Max(quarter.GetElement(2), quarter.GetElement(3))));
    }

    /// <returns>The sum of the rounded numbers.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int WriteLanes(float* from, float inverse, int* to, int width)
    {
        var whole = Vector512.Load(from) * inverse + Vector512.Create(Whole);
        var codes = whole.AsInt32() - Vector512.Create(Whole).AsInt32();
        var pairs = Vector256.Narrow(codes.GetLower(), codes.GetUpper()).AsInt32();
        if (width == 1) pairs.Store(to);
        else for (var p = 0; p < Lanes.Count / 2; p++) to[p * width] = pairs.GetElement(p);
        return Vector512.Sum(codes);
    }
}
