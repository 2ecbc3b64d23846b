using System.Buffers.Binary;
using Sluice.Core;
using Sluice.Engine;

namespace Sluice.Testing;

/// <summary>Weights in every format, random in every bit that may be.</summary>
public static class RandomWeights
{
    /// <summary>Between -1 and 1.</summary>
    public static float[] Floats(int count, Rng rng)
    {
        var floats = new float[count];
        for (var i = 0; i < count; i++) floats[i] = (int)(rng.NextUInt64() >> 40) / (float)(1 << 23) - 1;
        return floats;
    }

    /// <summary>Blocks of random codes with scales of around <paramref name="size"/>.</summary>
    public static byte[] Of(GgufTensorType type, int rows, int columns, Rng rng, float size = 1)
    {
        var elements = rows * columns;
        var bytes = new byte[elements / type.BlockElements() * type.BlockBytes()];
        switch (type)
        {
            case GgufTensorType.F32:
                foreach (var (i, x) in Floats(elements, rng).Index())
                    BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(4 * i), x * size);
                return bytes;
            case GgufTensorType.F16:
                foreach (var (i, x) in Floats(elements, rng).Index())
                    BinaryPrimitives.WriteHalfLittleEndian(bytes.AsSpan(2 * i), (Half)(x * size));
                return bytes;
            case GgufTensorType.BF16:
                foreach (var (i, x) in Floats(elements, rng).Index())
                    BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(2 * i), (ushort)(BitConverter.SingleToInt32Bits(x * size) >> 16));
                return bytes;
        }

        for (var i = 0; i < bytes.Length; i++) bytes[i] = (byte)(rng.NextUInt64() >> 50);
        for (var at = 0; at < bytes.Length; at += type.BlockBytes())
        {
            // Scales are halves in fixed places; the rest of a block may hold anything.
            var block = bytes.AsSpan(at, type.BlockBytes());
            var scale = (Half)(size * (0.5f + rng.Next(100) / 200f) / type switch
            {
                GgufTensorType.Q8_0 => 128, GgufTensorType.Q4_0 => 8, GgufTensorType.Q4_K => 64 * 8,
                GgufTensorType.Q5_K => 64 * 16, _ => 128 * 32,
            });
            BinaryPrimitives.WriteHalfLittleEndian(block[(type == GgufTensorType.Q6_K ? 208 : 0)..], scale);
            if (type is GgufTensorType.Q4_K or GgufTensorType.Q5_K)
                BinaryPrimitives.WriteHalfLittleEndian(block[2..], (Half)((float)scale * (type == GgufTensorType.Q4_K ? 8 : 16)));
        }

        return bytes;
    }
}
