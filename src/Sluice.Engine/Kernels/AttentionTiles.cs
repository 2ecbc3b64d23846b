using System.Runtime.CompilerServices;

namespace Sluice.Engine;

/// <summary>Attention of 4 or 8 queries over keys and values where they lie in the blocks of a <see cref="KvStore"/>.</summary>
/// <remarks>Scores are summed over a head's dimensions from first to last, values over tokens from first to last, one fused
/// multiply-add each: so neither a neighbour in the tile nor the block that a token lies in changes a bit.</remarks>
/// <typeparam name="TFormat">Of keys and values: <see cref="F32Format"/> or <see cref="F16Format"/>.</typeparam>
/// <typeparam name="TQueries"><see cref="FourRows"/> or <see cref="EightRows"/>.</typeparam>
internal static unsafe class AttentionTiles<TS, TF, TI, TFormat, TQueries>
    where TS : struct, ISimd<TF, TI>
    where TF : unmanaged
    where TI : unmanaged
    where TFormat : struct, IWholeFormat
    where TQueries : struct, IRowCount
{
    /// <summary>The queries against 32 tokens.</summary>
    /// <param name="queries">Dimension by dimension, beside one another.</param>
    /// <param name="keys0">16 tokens beside one another per dimension; so are those of <paramref name="keys1"/>.</param>
    /// <param name="to">Per query a row of 32 scores.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Scores(float* queries, int headDim, byte* keys0, byte* keys1, float* to, int stride)
    {
        for (var lane = 0; lane < KvStore.TileTokens; lane += TS.Width)
        {
            TF c00 = TS.Zero, c01 = TS.Zero, c10 = TS.Zero, c11 = TS.Zero, c20 = TS.Zero, c21 = TS.Zero, c30 = TS.Zero, c31 = TS.Zero;
            TF c40 = TS.Zero, c41 = TS.Zero, c50 = TS.Zero, c51 = TS.Zero, c60 = TS.Zero, c61 = TS.Zero, c70 = TS.Zero, c71 = TS.Zero;
            var from = queries;
            for (var d = 0; d < headDim; d++)
            {
                var at = d * KvStore.TileTokens + lane;
                var b0 = TFormat.Load<TS, TF, TI>(keys0, at);
                var b1 = TFormat.Load<TS, TF, TI>(keys1, at);
                Add(from[0], b0, b1, ref c00, ref c01);
                Add(from[1], b0, b1, ref c10, ref c11);
                Add(from[2], b0, b1, ref c20, ref c21);
                Add(from[3], b0, b1, ref c30, ref c31);
                if (TQueries.Rows == 8)
                {
                    Add(from[4], b0, b1, ref c40, ref c41);
                    Add(from[5], b0, b1, ref c50, ref c51);
                    Add(from[6], b0, b1, ref c60, ref c61);
                    Add(from[7], b0, b1, ref c70, ref c71);
                }

                from += TQueries.Rows;
            }

            var row = to + lane;
            Store(row, KvStore.TileTokens, c00, c01);
            Store(row + stride, KvStore.TileTokens, c10, c11);
            Store(row + 2 * (long)stride, KvStore.TileTokens, c20, c21);
            Store(row + 3 * (long)stride, KvStore.TileTokens, c30, c31);
            if (TQueries.Rows != 8) continue;
            Store(row + 4 * (long)stride, KvStore.TileTokens, c40, c41);
            Store(row + 5 * (long)stride, KvStore.TileTokens, c50, c51);
            Store(row + 6 * (long)stride, KvStore.TileTokens, c60, c61);
            Store(row + 7 * (long)stride, KvStore.TileTokens, c70, c71);
        }
    }

    /// <summary>The values of tokens, weighted for each query.</summary>
    /// <param name="weights">A row per query.</param>
    /// <param name="tiles">Of values, 16 tokens one after another.</param>
    /// <param name="to">Per query a row of the head's dimensions.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Values(float* weights, int stride, int tokens, nint* tiles, int width, float* to)
    {
        for (var d = 0; d < width; d += 2 * TS.Width)
        {
            TF c00 = TS.Zero, c01 = TS.Zero, c10 = TS.Zero, c11 = TS.Zero, c20 = TS.Zero, c21 = TS.Zero, c30 = TS.Zero, c31 = TS.Zero;
            TF c40 = TS.Zero, c41 = TS.Zero, c50 = TS.Zero, c51 = TS.Zero, c60 = TS.Zero, c61 = TS.Zero, c70 = TS.Zero, c71 = TS.Zero;
            for (var first = 0; first < tokens; first += KvStore.TileTokens)
            {
                var tile = (byte*)tiles[first / KvStore.TileTokens];
                var end = Math.Min(KvStore.TileTokens, tokens - first);
                for (var t = 0; t < end; t++)
                {
                    var at = t * width + d;
                    var b0 = TFormat.Load<TS, TF, TI>(tile, at);
                    var b1 = TFormat.Load<TS, TF, TI>(tile, at + TS.Width);
                    var from = weights + first + t;
                    Add(from[0], b0, b1, ref c00, ref c01);
                    Add(from[stride], b0, b1, ref c10, ref c11);
                    Add(from[2 * (long)stride], b0, b1, ref c20, ref c21);
                    Add(from[3 * (long)stride], b0, b1, ref c30, ref c31);
                    if (TQueries.Rows != 8) continue;
                    Add(from[4 * (long)stride], b0, b1, ref c40, ref c41);
                    Add(from[5 * (long)stride], b0, b1, ref c50, ref c51);
                    Add(from[6 * (long)stride], b0, b1, ref c60, ref c61);
                    Add(from[7 * (long)stride], b0, b1, ref c70, ref c71);
                }
            }

            var row = to + d;
            Store(row, TS.Width, c00, c01);
            Store(row + width, TS.Width, c10, c11);
            Store(row + 2 * width, TS.Width, c20, c21);
            Store(row + 3 * width, TS.Width, c30, c31);
            if (TQueries.Rows != 8) continue;
            Store(row + 4 * width, TS.Width, c40, c41);
            Store(row + 5 * width, TS.Width, c50, c51);
            Store(row + 6 * width, TS.Width, c60, c61);
            Store(row + 7 * width, TS.Width, c70, c71);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(float x, TF b0, TF b1, ref TF c0, ref TF c1)
    {
        var a = TS.All(x);
        c0 = TS.Fma(a, b0, c0);
        c1 = TS.Fma(a, b1, c1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(float* to, int apart, TF c0, TF c1)
    {
        TS.Store(to, TS.Multiply(c0, TS.All(TFormat.OutputFactor)));
        TS.Store(to + apart, TS.Multiply(c1, TS.All(TFormat.OutputFactor)));
    }
}
