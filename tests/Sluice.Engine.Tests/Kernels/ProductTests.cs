using Sluice.Core;
using Sluice.Testing;

namespace Sluice.Engine.Tests;

public sealed unsafe class ProductTests
{
    private const int Columns = 512;

    public static TheoryData<GgufTensorType> Types => [.. GgufTensorTypes.Supported];

    [Theory, MemberData(nameof(Types))]
    public void A_product_is_that_of_the_decoded_weights(GgufTensorType type)
    {
        const int rows = 100;
        var weights = RandomWeights.Of(type, rows, Columns, new Rng(1));
        var x = RandomWeights.Floats(Columns, new Rng(2));

        var y = Products(type, weights, rows, x, 1, InstructionSets.Best);

        var decoded = new float[Columns];
        for (var r = 0; r < rows; r++)
        {
            Decode(type, weights, r, decoded);
            double exact = 0, size = 0;
            for (var c = 0; c < Columns; c++) (exact, size) = (exact + (double)decoded[c] * x[c], size + Math.Abs(decoded[c] * x[c]));
            Assert.InRange(y[r], exact - 3e-5 * size, exact + 3e-5 * size);
        }
    }

    // Every count of rows takes another mix of kernels: 2 = Two; 3 = Four with an empty row; 6 = Four and Two; and so on.
    [Theory, MemberData(nameof(Types))]
    public void A_row_gives_the_same_bits_whatever_rows_and_instruction_set_it_is_computed_with(GgufTensorType type)
    {
        const int rows = 70, batch = 19;
        var weights = RandomWeights.Of(type, rows, Columns, new Rng(3));
        var x = RandomWeights.Floats(batch * Columns, new Rng(4));
        var alone = Enumerable.Range(0, batch)
            .SelectMany(b => Products(type, weights, rows, x.AsSpan(b * Columns, Columns), 1, InstructionSets.Best)).ToArray();

        foreach (var set in Enum.GetValues<InstructionSet>().Where(InstructionSets.Has))
        {
            foreach (var count in (int[])[1, 2, 3, 4, 6, 8, 11, batch])
            {
                var together = Products(type, weights, rows, x.AsSpan(0, count * Columns), count, set);
                Assert.Equal(Bits(alone[..(count * rows)]), Bits(together));
            }
        }
    }

    [Theory, MemberData(nameof(Types))]
    public void Activations_of_any_size_keep_their_relation_and_what_is_not_finite_stays_so(GgufTensorType type)
    {
        var weights = RandomWeights.Of(type, 64, Columns, new Rng(5));
        var x = RandomWeights.Floats(Columns, new Rng(6));
        var y = Products(type, weights, 64, x, 1, InstructionSets.Best);

        // One block of 256 columns a million times as large, the other as small: each has a scale of its own.
        float[] wide = [.. x.Select((v, c) => c < 256 ? v * 1e6f : v * 1e-6f)];
        float[] left = [.. x.Select((v, c) => c < 256 ? v : 0)];
        float[] right = [.. x.Select((v, c) => c < 256 ? 0 : v)];
        var l = Products(type, weights, 64, left, 1, InstructionSets.Best);
        var r = Products(type, weights, 64, right, 1, InstructionSets.Best);
        var w = Products(type, weights, 64, wide, 1, InstructionSets.Best);
        Assert.All(Enumerable.Range(0, 64), i => Assert.Equal(y[i], l[i] + r[i], 1e-4 * (Math.Abs(l[i]) + Math.Abs(r[i]) + 1)));
        Assert.All(Enumerable.Range(0, 64), i => Assert.Equal(l[i], w[i] / 1e6, 1e-4 * (Math.Abs(l[i]) + 1)));

        Assert.All(Products(type, weights, 64, new float[Columns], 1, InstructionSets.Best), v => Assert.Equal(0, v));
        foreach (var bad in (float[])[float.NaN, float.PositiveInfinity, float.NegativeInfinity])
        {
            x[300] = bad;
            foreach (var set in Enum.GetValues<InstructionSet>().Where(InstructionSets.Has))
                Assert.All(Products(type, weights, 64, x, 1, set), v => Assert.False(float.IsFinite(v)));
        }
    }

    [Fact]
    public void Halves_of_every_kind_are_exact()
    {
        // All finite halves, 64 to a column, times one.
        var halves = Enumerable.Range(0, 65536).Select(i => BitConverter.UInt16BitsToHalf((ushort)i)).Where(Half.IsFinite).ToArray();
        fixed (Half* at = halves)
        {
            using var matrix = PackedMatrix.Of(GgufTensorType.F16, (byte*)at, halves.Length, 1, InstructionSets.Best);
            var y = Products(matrix, [1f], 1);
            Assert.Equal(halves.Select(h => (float)h), y);
        }
    }

    private static int[] Bits(float[] of) => [.. of.Select(BitConverter.SingleToInt32Bits)];

    private static void Decode(GgufTensorType type, byte[] weights, int row, float[] to)
    {
        var rowBytes = Columns / type.BlockElements() * type.BlockBytes();
        fixed (byte* from = weights)
        fixed (float* at = to) WeightRows.Decode(type, from + row * rowBytes, Columns, at);
    }

    private static float[] Products(GgufTensorType type, byte[] weights, int rows, ReadOnlySpan<float> x, int batch, InstructionSet set)
    {
        fixed (byte* from = weights)
        {
            using var matrix = PackedMatrix.Of(type, from, rows, Columns, set);
            return Products(matrix, x, batch);
        }
    }

    /// <summary>Row by row of the batch, all outputs.</summary>
    private static float[] Products(PackedMatrix matrix, ReadOnlySpan<float> x, int batch)
    {
        using var packed = new PackedRows(32, Math.Max(matrix.Columns, 16));
        using var to = new AlignedMemory(8 * Panel.Rows * sizeof(float));
        var format = matrix.Format;
        var y = new float[batch * matrix.Rows];
        fixed (float* from = x)
        {
            for (var t = 0; t < PackedRows.Tiles(batch); t++)
            {
                var first = t * PackedRows.TileRowsMax;
                var width = PackedRows.TileRows(batch, t);
                packed.Pack(format.Form, from + first * matrix.Columns, matrix.Columns, Math.Min(width, batch - first), width,
                    matrix.Columns, first);
                for (var p = 0; p < matrix.Panels; p++)
                {
                    format.Tiles.Run(width, matrix.At(p), matrix.Columns,
                        packed.Values(first, matrix.Columns), packed.Scales(first, matrix.Columns), to.Floats);
                    for (var b = first; b < Math.Min(batch, first + PackedRows.TileRowsMax); b++)
                        for (var r = p * Panel.Rows; r < Math.Min(matrix.Rows, (p + 1) * Panel.Rows); r++)
                            y[b * matrix.Rows + r] = to.Floats[(b - first) * Panel.Rows + r % Panel.Rows];
                }
            }
        }

        return y;
    }
}
