using System.Buffers.Binary;
using Sluice.Core;

namespace Sluice.Engine.Tests;

/// <summary>Headers with random damage: each is read whole or refused with a message, quickly and in little memory.</summary>
public sealed class GgufFuzzTests
{
    private const int Mutations = 120_000;

    /// <summary>What reading one of these files may allocate: they have less than a thousand bytes.</summary>
    private const long BytesMax = 200_000;

    [Fact]
    public void A_mutated_header_is_read_or_refused_and_never_costs_much()
    {
        var writer = GgufFiles.Small();
        var original = writer.ToArray();
        var header = writer.HeaderBytes;
        var rng = new Rng(20260101);
        var bytes = new byte[original.Length];
        int read = 0, refused = 0;

        for (var i = 0; i < Mutations; i++)
        {
            original.CopyTo(bytes, 0);
            Mutate(bytes.AsSpan(0, header), ref rng);
            var length = rng.Next(8) == 0 ? rng.Next(bytes.Length) : bytes.Length;
            var before = GC.GetAllocatedBytesForCurrentThread();
            if (Survives(bytes, length)) read++;
            else refused++;
            Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < BytesMax, $"mutation {i} took too much memory");
        }

        Assert.True(read > 1000, $"only {read} were read: the damage is too coarse to test what follows the first check");
        Assert.True(refused > 1000, $"only {refused} were refused");
    }

    private static unsafe bool Survives(byte[] bytes, int length)
    {
        fixed (byte* data = bytes)
        {
            try
            {
                using var file = GgufFile.OfMemory(data, length, "fuzz");
                foreach (var tensor in file.Tensors) LookAt(tensor);
                foreach (var key in file.Metadata.Keys) LookAt(file.Metadata, key);
                return true;
            }
            catch (InputException)
            {
                return false;
            }
        }
    }

    /// <summary>Its first and last byte can be read: an access beyond the array would end the test run.</summary>
    private static unsafe int LookAt(GgufTensor tensor) => tensor.Data[0] + tensor.Data[tensor.Bytes - 1];

    private static int LookAt(GgufMetadata metadata, string key)
    {
        metadata.TryGet(key, out var value);
        if (value is not { Type: GgufValueType.Array, Element: GgufValueType.Text }) return 0;
        var texts = metadata.FindTexts(key)!;
        var sum = 0;
        for (var i = 0; i < texts.Count; i++) sum += texts[i].Length;
        return sum;
    }

    private static void Mutate(Span<byte> header, ref Rng rng)
    {
        for (var changes = 1 + rng.Next(3); changes > 0; changes--)
        {
            var at = rng.Next(header.Length);
            switch (rng.Next(5))
            {
                case 0: header[at] ^= (byte)(1 << rng.Next(8)); break;
                case 1: header[at] = (byte)rng.Next(256); break;
                case 2: header[at] = (byte)(rng.Next(2) * 255); break;
                case 3 when at + 8 <= header.Length:
                    BinaryPrimitives.WriteUInt64LittleEndian(header[at..], rng.NextUInt64() >> rng.Next(64));
                    break;
                case 4 when at + 4 <= header.Length:
                    BinaryPrimitives.WriteUInt32LittleEndian(header[at..], (uint)rng.Next(16));
                    break;
                default: break;
            }
        }
    }
}
