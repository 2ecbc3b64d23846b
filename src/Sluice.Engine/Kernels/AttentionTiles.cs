using System.Runtime.CompilerServices;

namespace Sluice.Engine;

/// <summary>Attention of 4 or 8 queries over keys and values where they lie in the blocks of a <see cref="KvStore"/>.</summary>
/// <remarks>Scores are summed over a head's dimensions from first to last, values over tokens from first to last, one fused
/// multiply-add each: so neither a neighbour in the tile nor the block that a token lies in changes a bit.</remarks>
/// <typeparam name="TFormat">Of keys and values: <see cref="F32Format"/> or <see cref="F16Format"/>.</typeparam>
internal static unsafe class AttentionTiles<TS, TF, TI, TFormat>
    where TS : struct, ISimd<TF, TI>
    where TF : unmanaged
    where TI : unmanaged
    where TFormat : struct, IWholeFormat
{
    // Scores: queries, dimension by dimension, beside one another; two tiles of keys, 16 tokens beside one another per
    // dimension; per query a row of 32 scores. Values: a row of weights per query; tiles of values, 16 tokens one after
    // another; per query a row of the head's dimensions.

    /// <summary>Four queries against 32 tokens.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Scores4(float* queries, int headDim, byte* keys0, byte* keys1, float* to, int stride)
    {
        for (var lane = 0; lane < KvStore.TileTokens; lane += TS.Width)
        {
            TF c00 = TS.Zero, c01 = TS.Zero;
            TF c10 = TS.Zero, c11 = TS.Zero;
            TF c20 = TS.Zero, c21 = TS.Zero;
            TF c30 = TS.Zero, c31 = TS.Zero;
            var from = queries;
            for (var d = 0; d < headDim; d++)
            {
                var at = d * KvStore.TileTokens + lane;
                var b0 = Value(keys0, at);
                var b1 = Value(keys1, at);
                var a = TS.All(from[0]);
                c00 = TS.Fma(a, b0, c00);
                c01 = TS.Fma(a, b1, c01);
                a = TS.All(from[1]);
                c10 = TS.Fma(a, b0, c10);
                c11 = TS.Fma(a, b1, c11);
                a = TS.All(from[2]);
                c20 = TS.Fma(a, b0, c20);
                c21 = TS.Fma(a, b1, c21);
                a = TS.All(from[3]);
                c30 = TS.Fma(a, b0, c30);
                c31 = TS.Fma(a, b1, c31);
                from += 4;
            }

            var scale = TS.All(TFormat.OutputFactor);
            var row = to + lane;
            TS.Store(row, TS.Multiply(c00, scale));
            TS.Store(row + KvStore.TileTokens, TS.Multiply(c01, scale));
            row += stride;
            TS.Store(row, TS.Multiply(c10, scale));
            TS.Store(row + KvStore.TileTokens, TS.Multiply(c11, scale));
            row += stride;
            TS.Store(row, TS.Multiply(c20, scale));
            TS.Store(row + KvStore.TileTokens, TS.Multiply(c21, scale));
            row += stride;
            TS.Store(row, TS.Multiply(c30, scale));
            TS.Store(row + KvStore.TileTokens, TS.Multiply(c31, scale));
        }
    }

    /// <summary>Eight queries against 32 tokens.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Scores8(float* queries, int headDim, byte* keys0, byte* keys1, float* to, int stride)
    {
        for (var lane = 0; lane < KvStore.TileTokens; lane += TS.Width)
        {
            TF c00 = TS.Zero, c01 = TS.Zero;
            TF c10 = TS.Zero, c11 = TS.Zero;
            TF c20 = TS.Zero, c21 = TS.Zero;
            TF c30 = TS.Zero, c31 = TS.Zero;
            TF c40 = TS.Zero, c41 = TS.Zero;
            TF c50 = TS.Zero, c51 = TS.Zero;
            TF c60 = TS.Zero, c61 = TS.Zero;
            TF c70 = TS.Zero, c71 = TS.Zero;
            var from = queries;
            for (var d = 0; d < headDim; d++)
            {
                var at = d * KvStore.TileTokens + lane;
                var b0 = Value(keys0, at);
                var b1 = Value(keys1, at);
                var a = TS.All(from[0]);
                c00 = TS.Fma(a, b0, c00);
                c01 = TS.Fma(a, b1, c01);
                a = TS.All(from[1]);
                c10 = TS.Fma(a, b0, c10);
                c11 = TS.Fma(a, b1, c11);
                a = TS.All(from[2]);
                c20 = TS.Fma(a, b0, c20);
                c21 = TS.Fma(a, b1, c21);
                a = TS.All(from[3]);
                c30 = TS.Fma(a, b0, c30);
                c31 = TS.Fma(a, b1, c31);
                a = TS.All(from[4]);
                c40 = TS.Fma(a, b0, c40);
                c41 = TS.Fma(a, b1, c41);
                a = TS.All(from[5]);
                c50 = TS.Fma(a, b0, c50);
                c51 = TS.Fma(a, b1, c51);
                a = TS.All(from[6]);
                c60 = TS.Fma(a, b0, c60);
                c61 = TS.Fma(a, b1, c61);
                a = TS.All(from[7]);
                c70 = TS.Fma(a, b0, c70);
                c71 = TS.Fma(a, b1, c71);
                from += 8;
            }

            var scale = TS.All(TFormat.OutputFactor);
            var row = to + lane;
            TS.Store(row, TS.Multiply(c00, scale));
            TS.Store(row + KvStore.TileTokens, TS.Multiply(c01, scale));
            row += stride;
            TS.Store(row, TS.Multiply(c10, scale));
            TS.Store(row + KvStore.TileTokens, TS.Multiply(c11, scale));
            row += stride;
            TS.Store(row, TS.Multiply(c20, scale));
            TS.Store(row + KvStore.TileTokens, TS.Multiply(c21, scale));
            row += stride;
            TS.Store(row, TS.Multiply(c30, scale));
            TS.Store(row + KvStore.TileTokens, TS.Multiply(c31, scale));
            row += stride;
            TS.Store(row, TS.Multiply(c40, scale));
            TS.Store(row + KvStore.TileTokens, TS.Multiply(c41, scale));
            row += stride;
            TS.Store(row, TS.Multiply(c50, scale));
            TS.Store(row + KvStore.TileTokens, TS.Multiply(c51, scale));
            row += stride;
            TS.Store(row, TS.Multiply(c60, scale));
            TS.Store(row + KvStore.TileTokens, TS.Multiply(c61, scale));
            row += stride;
            TS.Store(row, TS.Multiply(c70, scale));
            TS.Store(row + KvStore.TileTokens, TS.Multiply(c71, scale));
        }
    }

    /// <summary>The values of tokens, weighted by four rows of weights.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Values4(float* weights, int stride, int tokens, nint* tiles, int width, float* to)
    {
        for (var d = 0; d < width; d += 2 * TS.Width)
        {
            TF c00 = TS.Zero, c01 = TS.Zero;
            TF c10 = TS.Zero, c11 = TS.Zero;
            TF c20 = TS.Zero, c21 = TS.Zero;
            TF c30 = TS.Zero, c31 = TS.Zero;
            for (var first = 0; first < tokens; first += KvStore.TileTokens)
            {
                var tile = (byte*)tiles[first / KvStore.TileTokens];
                var end = Math.Min(KvStore.TileTokens, tokens - first);
                for (var t = 0; t < end; t++)
                {
                    var at = t * width + d;
                    var b0 = Value(tile, at);
                    var b1 = Value(tile, at + TS.Width);
                    var from = weights + first + t;
                    var a = TS.All(*from);
                    c00 = TS.Fma(a, b0, c00);
                    c01 = TS.Fma(a, b1, c01);
                    a = TS.All(from[stride]);
                    c10 = TS.Fma(a, b0, c10);
                    c11 = TS.Fma(a, b1, c11);
                    a = TS.All(from[2 * (long)stride]);
                    c20 = TS.Fma(a, b0, c20);
                    c21 = TS.Fma(a, b1, c21);
                    a = TS.All(from[3 * (long)stride]);
                    c30 = TS.Fma(a, b0, c30);
                    c31 = TS.Fma(a, b1, c31);
                }
            }

            var scale = TS.All(TFormat.OutputFactor);
            var row = to + d;
            TS.Store(row, TS.Multiply(c00, scale));
            TS.Store(row + TS.Width, TS.Multiply(c01, scale));
            row += width;
            TS.Store(row, TS.Multiply(c10, scale));
            TS.Store(row + TS.Width, TS.Multiply(c11, scale));
            row += width;
            TS.Store(row, TS.Multiply(c20, scale));
            TS.Store(row + TS.Width, TS.Multiply(c21, scale));
            row += width;
            TS.Store(row, TS.Multiply(c30, scale));
            TS.Store(row + TS.Width, TS.Multiply(c31, scale));
        }
    }

    /// <summary>The values of tokens, weighted by eight rows of weights.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Values8(float* weights, int stride, int tokens, nint* tiles, int width, float* to)
    {
        for (var d = 0; d < width; d += 2 * TS.Width)
        {
            TF c00 = TS.Zero, c01 = TS.Zero;
            TF c10 = TS.Zero, c11 = TS.Zero;
            TF c20 = TS.Zero, c21 = TS.Zero;
            TF c30 = TS.Zero, c31 = TS.Zero;
            TF c40 = TS.Zero, c41 = TS.Zero;
            TF c50 = TS.Zero, c51 = TS.Zero;
            TF c60 = TS.Zero, c61 = TS.Zero;
            TF c70 = TS.Zero, c71 = TS.Zero;
            for (var first = 0; first < tokens; first += KvStore.TileTokens)
            {
                var tile = (byte*)tiles[first / KvStore.TileTokens];
                var end = Math.Min(KvStore.TileTokens, tokens - first);
                for (var t = 0; t < end; t++)
                {
                    var at = t * width + d;
                    var b0 = Value(tile, at);
                    var b1 = Value(tile, at + TS.Width);
                    var from = weights + first + t;
                    var a = TS.All(*from);
                    c00 = TS.Fma(a, b0, c00);
                    c01 = TS.Fma(a, b1, c01);
                    a = TS.All(from[stride]);
                    c10 = TS.Fma(a, b0, c10);
                    c11 = TS.Fma(a, b1, c11);
                    a = TS.All(from[2 * (long)stride]);
                    c20 = TS.Fma(a, b0, c20);
                    c21 = TS.Fma(a, b1, c21);
                    a = TS.All(from[3 * (long)stride]);
                    c30 = TS.Fma(a, b0, c30);
                    c31 = TS.Fma(a, b1, c31);
                    a = TS.All(from[4 * (long)stride]);
                    c40 = TS.Fma(a, b0, c40);
                    c41 = TS.Fma(a, b1, c41);
                    a = TS.All(from[5 * (long)stride]);
                    c50 = TS.Fma(a, b0, c50);
                    c51 = TS.Fma(a, b1, c51);
                    a = TS.All(from[6 * (long)stride]);
                    c60 = TS.Fma(a, b0, c60);
                    c61 = TS.Fma(a, b1, c61);
                    a = TS.All(from[7 * (long)stride]);
                    c70 = TS.Fma(a, b0, c70);
                    c71 = TS.Fma(a, b1, c71);
                }
            }

            var scale = TS.All(TFormat.OutputFactor);
            var row = to + d;
            TS.Store(row, TS.Multiply(c00, scale));
            TS.Store(row + TS.Width, TS.Multiply(c01, scale));
            row += width;
            TS.Store(row, TS.Multiply(c10, scale));
            TS.Store(row + TS.Width, TS.Multiply(c11, scale));
            row += width;
            TS.Store(row, TS.Multiply(c20, scale));
            TS.Store(row + TS.Width, TS.Multiply(c21, scale));
            row += width;
            TS.Store(row, TS.Multiply(c30, scale));
            TS.Store(row + TS.Width, TS.Multiply(c31, scale));
            row += width;
            TS.Store(row, TS.Multiply(c40, scale));
            TS.Store(row + TS.Width, TS.Multiply(c41, scale));
            row += width;
            TS.Store(row, TS.Multiply(c50, scale));
            TS.Store(row + TS.Width, TS.Multiply(c51, scale));
            row += width;
            TS.Store(row, TS.Multiply(c60, scale));
            TS.Store(row + TS.Width, TS.Multiply(c61, scale));
            row += width;
            TS.Store(row, TS.Multiply(c70, scale));
            TS.Store(row + TS.Width, TS.Multiply(c71, scale));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TF Value(byte* tile, int index) =>
        TFormat.Load<TS, TF, TI>(tile, index);
}
