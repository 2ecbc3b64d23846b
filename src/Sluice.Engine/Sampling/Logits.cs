using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Sluice.Engine;

/// <summary>Sums and maxima over a row of logits. The order of additions is the same on every machine.</summary>
internal static class Logits
{
    /// <summary>Elements whose exponentials are added in single precision before the sum goes on in double.</summary>
    private const int Block = 512;

    public static float Max(ReadOnlySpan<float> logits)
    {
        var max = float.NegativeInfinity;
        var vectors = MemoryMarshal.Cast<float, Vector256<float>>(logits);
        var lanes = Vector256.Create(float.NegativeInfinity);
        foreach (var vector in vectors) lanes = Vector256.Max(lanes, vector);
        for (var i = 0; i < Vector256<float>.Count; i++) max = Math.Max(max, lanes[i]);
        foreach (var logit in logits[(vectors.Length * Vector256<float>.Count)..]) max = Math.Max(max, logit);
        return max;
    }

    /// <summary>Natural logarithm of the sum of exponentials: what a logit is above is its log probability.</summary>
    public static double LogSumExp(ReadOnlySpan<float> logits)
    {
        var max = Max(logits);
        return max + Math.Log(Exponentials(logits, max, 1, []));
    }

    /// <summary>The sum of exp((logit - max) × scale).</summary>
    /// <param name="to">Gets the exponentials, unless it is empty.</param>
    public static double Exponentials(ReadOnlySpan<float> logits, float max, float scale, Span<float> to)
    {
        var sum = 0.0;
        for (var at = 0; at < logits.Length; at += Block)
        {
            var block = logits.Slice(at, Math.Min(Block, logits.Length - at));
            var vectors = MemoryMarshal.Cast<float, Vector256<float>>(block);
            var lanes = Vector256<float>.Zero;
            for (var i = 0; i < vectors.Length; i++)
            {
                var exponential = Vector256.Exp((vectors[i] - Vector256.Create(max)) * scale);
                lanes += exponential;
                if (!to.IsEmpty) exponential.CopyTo(to[(at + i * Vector256<float>.Count)..]);
            }

            sum += Vector256.Sum(lanes);
            for (var i = vectors.Length * Vector256<float>.Count; i < block.Length; i++)
            {
                var exponential = MathF.Exp((block[i] - max) * scale);
                sum += exponential;
                if (!to.IsEmpty) to[at + i] = exponential;
            }
        }

        return sum;
    }

    /// <summary>Sorts ascending as: larger logit first, then smaller id.</summary>
    public static ulong Key(float logit, int id)
    {
        var bits = BitConverter.SingleToUInt32Bits(logit + 0f);
        var ascending = (bits & 0x80000000) != 0 ? ~bits : bits | 0x80000000;
        return ((ulong)~ascending << 32) | (uint)id;
    }

    /// <summary>Whether a token is in a mask; a null mask has all.</summary>
    public static bool Allows(ulong[]? mask, int token) => mask is null || (mask[token >> 6] >> (token & 63) & 1) != 0;
}
