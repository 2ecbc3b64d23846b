using Sluice.Core;

namespace Sluice.Engine;

/// <summary>Draws a token from logits: temperature, min-p, top-k, top-p. For one thread; allocates nothing once its buffers have
/// the size of the vocabulary.</summary>
/// <remarks>Where only some of the tokens are left, those are found by a histogram of how far they are below the largest, and
/// only they are sorted.</remarks>
internal sealed class TokenDraw
{
    /// <summary>Buckets of 1/16 nat; what is 32 nats below the largest is in the last.</summary>
    private const int Buckets = 512;
    private const float BucketsPerNat = 16;

    private readonly int[] _counts = new int[Buckets];
    private readonly double[] _masses = new double[Buckets];
    private float[] _weights = [];
    private ulong[] _keys = [];

    /// <summary>The likeliest token; of equal ones the first.</summary>
    public static int Best(ReadOnlySpan<float> logits, ulong[]? mask)
    {
        if (mask is null) return Math.Max(0, logits.IndexOf(Logits.Max(logits)));
        var best = -1;
        for (var word = 0; word < mask.Length; word++)
            for (var bits = mask[word]; bits != 0; bits &= bits - 1)
            {
                var token = word * 64 + System.Numerics.BitOperations.TrailingZeroCount(bits);
                if (token < logits.Length && (best < 0 || logits[token] > logits[best])) best = token;
            }

        Check.That(best >= 0);
        return best;
    }

    /// <param name="mask">Tokens that may be drawn; null for all.</param>
    /// <param name="uniform">In [0, 1).</param>
    public int Draw(Span<float> logits, ulong[]? mask, SamplingOptions options, double uniform)
    {
        if (_weights.Length < logits.Length) (_weights, _keys) = (new float[logits.Length], new ulong[logits.Length]);
        if (mask is not null) Forbid(logits, mask);
        var weights = _weights.AsSpan(0, logits.Length);
        var max = Logits.Max(logits);
        if (!float.IsFinite(max)) return Best(logits, mask);

        var total = Logits.Exponentials(logits, max, 1 / options.Temperature, weights);
        if (options.MinP > 0) total = CutBelow(weights, options.MinP);
        var k = options.TopK == 0 ? int.MaxValue : options.TopK;
        if (k >= logits.Length && options.TopP >= 1) return Walk(weights, uniform * total);

        var count = Gather(logits, weights, k, options.TopP >= 1 ? double.MaxValue : options.TopP * total);
        var keys = _keys.AsSpan(0, count);
        keys.Sort();
        if (k < keys.Length) keys = keys[..k];

        // Top-p is a part of what top-k left, or else of all there is.
        return DrawOf(keys, weights, options.TopP * (k < logits.Length ? SumOf(keys, weights) : total), uniform);
    }

    private static void Forbid(Span<float> logits, ulong[] mask)
    {
        for (var i = 0; i < logits.Length; i++)
            if (!Logits.Allows(mask, i)) logits[i] = float.NegativeInfinity;
    }

    /// <returns>The sum of what is left.</returns>
    private static double CutBelow(Span<float> weights, float least)
    {
        var sum = 0.0;
        foreach (ref var weight in weights)
            if (weight < least) weight = 0;
            else sum += weight;
        return sum;
    }

    private static int Walk(ReadOnlySpan<float> weights, double target)
    {
        var sum = 0.0;
        var last = 0;
        for (var i = 0; i < weights.Length; i++)
        {
            if (weights[i] <= 0) continue;
            last = i;
            sum += weights[i];
            if (sum > target) return i;
        }

        return last;
    }

    /// <summary>Collects the tokens of the best buckets that together have enough tokens or enough mass: a few more than are
    /// wanted, never fewer.</summary>
    private int Gather(ReadOnlySpan<float> logits, ReadOnlySpan<float> weights, int k, double mass)
    {
        Array.Clear(_counts);
        Array.Clear(_masses);
        foreach (var weight in weights)
        {
            if (weight <= 0) continue;
            var bucket = BucketOf(weight);
            _counts[bucket]++;
            _masses[bucket] += weight;
        }

        var end = 0;
        var (tokens, sum) = (0L, 0.0);
        while (end < Buckets && tokens < k && sum < mass)
        {
            tokens += _counts[end];
            sum += _masses[end++];
        }

        var count = 0;
        for (var i = 0; i < weights.Length; i++)
            if (weights[i] > 0 && BucketOf(weights[i]) < end) _keys[count++] = Logits.Key(logits[i], i);
        return count;
    }

    private static int BucketOf(float weight) => Math.Clamp((int)(-MathF.Log(weight) * BucketsPerNat), 0, Buckets - 1);

    private static double SumOf(ReadOnlySpan<ulong> keys, ReadOnlySpan<float> weights)
    {
        var sum = 0.0;
        foreach (var key in keys) sum += weights[(int)(uint)key];
        return sum;
    }

    /// <param name="mass">The likeliest tokens that have this much together stay, at least one.</param>
    private static int DrawOf(ReadOnlySpan<ulong> keys, ReadOnlySpan<float> weights, double mass, double uniform)
    {
        var (kept, total) = (0, 0.0);
        while (kept < keys.Length && (kept == 0 || total < mass)) total += weights[(int)(uint)keys[kept++]];

        var target = uniform * total;
        var sum = 0.0;
        foreach (var key in keys[..kept])
        {
            sum += weights[(int)(uint)key];
            if (sum > target) return (int)(uint)key;
        }

        return (int)(uint)keys[kept - 1];
    }
}
