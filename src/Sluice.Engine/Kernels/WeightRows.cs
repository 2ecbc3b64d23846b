namespace Sluice.Engine;

/// <summary>Single rows of a tensor as floats: the embeddings, norm weights and biases.</summary>
internal static unsafe class WeightRows
{
    public static void Decode(GgufTensorType type, byte* from, int count, float* to)
    {
        switch (type)
        {
            case GgufTensorType.F32:
                Buffer.MemoryCopy(from, to, 4L * count, 4L * count);
                return;
            case GgufTensorType.F16:
                for (var i = 0; i < count; i++) to[i] = (float)((Half*)from)[i];
                return;
            case GgufTensorType.BF16:
                for (var i = 0; i < count; i++) to[i] = BitConverter.Int32BitsToSingle(((ushort*)from)[i] << 16);
                return;
        }

        QuantBlock block = default;
        for (var i = 0; i < count; i += type.BlockElements())
        {
            block.Read(type, from);
            block.Decode(type, to + i);
            from += type.BlockBytes();
        }
    }
}
