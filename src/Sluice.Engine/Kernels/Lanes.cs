using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Sluice.Engine;

/// <summary>What is done to single rows between matrix products: norms, softmax, activation, rotation.</summary>
/// <remarks>All in sixteen lanes, whatever the machine has, and lanes are added up from first to last: so results do not
/// depend on the instruction set. Rows lie in buffers padded with zeros to a multiple of 16.</remarks>
internal static unsafe class Lanes
{
    public const int Count = 16;

    public static int RoundUp(int count) => (count + Count - 1) / Count * Count;

    /// <summary>to = x / rms(x) · weight.</summary>
    /// <param name="count">Elements; a multiple of 16, or padded with zeros.</param>
    public static void RmsNorm(float* x, float* weight, int count, float epsilon, float* to)
    {
        var squares = Vector512<float>.Zero;
        for (var i = 0; i < count; i += Count)
        {
            var v = Vector512.Load(x + i);
            squares = Vector512.FusedMultiplyAdd(v, v, squares);
        }

        var scale = Vector512.Create((float)(1 / Math.Sqrt(Sum(squares) / count + epsilon)));
        for (var i = 0; i < count; i += Count) (Vector512.Load(x + i) * scale * Vector512.Load(weight + i)).Store(to + i);
    }

    /// <summary>gate · sigmoid(gate) · up, into <paramref name="to"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void SwiGlu(float* gate, float* up, int count, float* to)
    {
        for (var i = 0; i < count; i += Count)
        {
            var g = Vector512.Load(gate + i);
            (g / (Vector512<float>.One + Exp(-g)) * Vector512.Load(up + i)).Store(to + i);
        }
    }

    /// <summary>Scores become exp(score − largest); what follows them, up to <paramref name="paddedCount"/>, becomes
    /// zero.</summary>
    /// <returns>Their sum.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Exponentials(float* scores, int count, int paddedCount)
    {
        for (var i = count; i < paddedCount; i++) scores[i] = float.NegativeInfinity;
        var most = Vector512.Create(float.NegativeInfinity);
        for (var i = 0; i < count; i += Count) most = Vector512.Max(most, Vector512.Load(scores + i));
        var largest = float.NegativeInfinity;
        for (var i = 0; i < Count; i++) largest = MathF.Max(largest, most.GetElement(i));

        var shift = Vector512.Create(largest);
        var sum = Vector512<float>.Zero;
        for (var i = 0; i < paddedCount; i += Count)
        {
            var e = Exp(Vector512.Load(scores + i) - shift);
            e.Store(scores + i);
            sum += e;
        }

        return (float)Sum(sum);
    }

    /// <param name="count">A multiple of 16, as of the next.</param>
    public static void Add(float* x, float* to, int count)
    {
        for (var i = 0; i < count; i += Count) (Vector512.Load(x + i) + Vector512.Load(to + i)).Store(to + i);
    }

    public static void Scale(float* x, float by, int count)
    {
        for (var i = 0; i < count; i += Count) (Vector512.Load(x + i) * by).Store(x + i);
    }

    /// <summary>Turns pairs of a head by the angles of its position.</summary>
    /// <param name="pairs">Half of the dimensions that turn.</param>
    public static void Rotate(float* head, float* cos, float* sin, int pairs, RopeStyle style)
    {
        var (step, apart) = style == RopeStyle.Neighbours ? (2, 1) : (1, pairs);
        for (var i = 0; i < pairs; i++)
        {
            var (x, y) = (head[i * step], head[i * step + apart]);
            head[i * step] = x * cos[i] - y * sin[i];
            head[i * step + apart] = x * sin[i] + y * cos[i];
        }
    }

    /// <summary>From first lane to last.</summary>
    public static double Sum(Vector512<float> of)
    {
        var sum = 0.0;
        for (var i = 0; i < Count; i++) sum += of.GetElement(i);
        return sum;
    }

    /// <summary>e to the x, to within 2 units of the last place; 0 below −87.</summary>
    /// <remarks>Source of the coefficients: Moshier, Cephes library, <c>expf</c>. x = n·ln 2 + r, with n rounded by adding a
    /// number so large that it has no fraction.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Exp(Vector512<float> x)
    {
        var whole = Vector512.Create(12582912f);
        var clamped = Vector512.Min(Vector512.Max(x, Vector512.Create(-87f)), Vector512.Create(88f));
        var n = Vector512.FusedMultiplyAdd(clamped, Vector512.Create(1.44269504f), whole) - whole;
        var r = Vector512.FusedMultiplyAdd(n, Vector512.Create(-0.693359375f), clamped);
        r = Vector512.FusedMultiplyAdd(n, Vector512.Create(2.12194440e-4f), r);
        var p = Vector512.Create(1.9875691500e-4f);
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(1.3981999507e-3f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(8.3334519073e-3f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(4.1665795894e-2f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(1.6666665459e-1f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(5.0000001201e-1f));
        p = Vector512.FusedMultiplyAdd(p, r * r, r) + Vector512<float>.One;
        var power = (Vector512.ConvertToInt32(n) + Vector512.Create(127)) << 23;
        return Vector512.ConditionalSelect(
            Vector512.LessThan(x, Vector512.Create(-87f)), Vector512<float>.Zero, p * power.AsSingle());
    }
}
