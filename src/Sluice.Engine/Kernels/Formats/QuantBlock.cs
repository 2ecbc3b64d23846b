using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Sluice.Engine;

/// <summary>One block of one row of a quantised tensor, taken apart: weight = scale · part · code − minimum · part.</summary>
/// <remarks>Source of the layouts: <c>ggml-common.h</c> and <c>ggml-quants.c</c> of the ggml repository. Not for inner loops:
/// it serves loading, single rows of the embeddings, and tests.</remarks>
internal unsafe ref struct QuantBlock
{
    /// <summary>Elements: 32, or 256 of a K type.</summary>
    public int Count;

    /// <summary>Elements that share a part: 32, or 16 of Q6_K.</summary>
    public int PartCount;

    /// <summary>Halves, by their bits.</summary>
    public ushort Scale;
    public ushort Minimum;

    /// <summary>Taken off a code before it is scaled.</summary>
    public int Offset;

    /// <summary>A code per element: unsigned, but signed bytes of Q8_0.</summary>
    public fixed byte Codes[256];

    /// <summary>A factor of the scale per part: unsigned bytes, but signed of Q6_K; unused where there is one part.</summary>
    public fixed byte PartScales[16];
    public fixed byte PartMinima[16];

    public void Read(GgufTensorType type, byte* from)
    {
        (Count, PartCount, Minimum, Offset) = (256, 32, 0, 0);
        switch (type)
        {
            case GgufTensorType.Q8_0:
                Count = 32;
                Scale = Half(from);
                for (var i = 0; i < 32; i++) Codes[i] = from[2 + i];
                break;
            case GgufTensorType.Q4_0:
                (Count, Offset) = (32, 8);
                Scale = Half(from);
                for (var i = 0; i < 16; i++) (Codes[i], Codes[i + 16]) = Nibbles(from[2 + i]);
                break;
            case GgufTensorType.Q4_K:
                ReadParts(from);
                ReadNibbles(from + 16);
                break;
            case GgufTensorType.Q5_K:
                ReadParts(from);
                ReadNibbles(from + 48);
                for (var i = 0; i < 256; i++) Codes[i] |= (byte)((from[16 + i % 32] >> (i / 32) & 1) << 4);
                break;
            default:
                ReadSixBits(from);
                break;
        }
    }

    /// <summary>The weights, to within a rounding of a float.</summary>
    public readonly void Decode(GgufTensorType type, float* to)
    {
        var scale = (float)BitConverter.UInt16BitsToHalf(Scale);
        var minimum = (float)BitConverter.UInt16BitsToHalf(Minimum);
        for (var i = 0; i < Count; i++)
        {
            var part = i / PartCount;
            to[i] = type switch
            {
                GgufTensorType.Q8_0 => scale * (sbyte)Codes[i],
                GgufTensorType.Q4_0 => scale * (Codes[i] - Offset),
                GgufTensorType.Q6_K => scale * (sbyte)PartScales[part] * (Codes[i] - Offset),
                _ => scale * PartScales[part] * Codes[i] - minimum * PartMinima[part],
            };
        }
    }

    /// <summary>The head of Q4_K and Q5_K: two halves, and eight scales and minima of six bits in twelve bytes, the last
    /// four of each with their upper two bits in the first eight bytes.</summary>
    private void ReadParts(byte* from)
    {
        (Scale, Minimum) = (Half(from), Half(from + 2));
        var parts = from + 4;
        for (var i = 0; i < 4; i++)
        {
            PartScales[i] = (byte)(parts[i] & 63);
            PartMinima[i] = (byte)(parts[i + 4] & 63);
            PartScales[i + 4] = (byte)(parts[i + 8] & 15 | parts[i] >> 6 << 4);
            PartMinima[i + 4] = (byte)(parts[i + 8] >> 4 | parts[i + 4] >> 6 << 4);
        }
    }

    /// <summary>Runs of 32 bytes hold 32 codes in their lower halves and the next 32 in their upper ones.</summary>
    private void ReadNibbles(byte* from)
    {
        for (var i = 0; i < 128; i++)
        {
            var at = i / 32 * 64 + i % 32;
            (Codes[at], Codes[at + 32]) = Nibbles(from[i]);
        }
    }

    private void ReadSixBits(byte* from)
    {
        (PartCount, Offset) = (16, 32);
        Scale = Half(from + 208);
        for (var i = 0; i < 16; i++) PartScales[i] = from[192 + i];
        for (var half = 0; half < 2; half++)
        {
            for (var i = 0; i < 32; i++)
            {
                var high = from[128 + 32 * half + i];
                var (first, third) = Nibbles(from[64 * half + i]);
                var (second, fourth) = Nibbles(from[64 * half + 32 + i]);
                var at = 128 * half + i;
                Codes[at] = (byte)(first | (high & 3) << 4);
                Codes[at + 32] = (byte)(second | (high >> 2 & 3) << 4);
                Codes[at + 64] = (byte)(third | (high >> 4 & 3) << 4);
                Codes[at + 96] = (byte)(fourth | high >> 6 << 4);
            }
        }
    }

    private static (byte Low, byte High) Nibbles(byte of) => ((byte)(of & 15), (byte)(of >> 4));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ushort Half(byte* at) => BinaryPrimitives.ReadUInt16LittleEndian(new(at, 2));
}
