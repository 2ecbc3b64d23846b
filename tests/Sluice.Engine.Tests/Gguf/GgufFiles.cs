using Sluice.Testing;

namespace Sluice.Engine.Tests;

/// <summary>GGUF files in memory for the tests of the reader.</summary>
internal static class GgufFiles
{
    /// <summary>A small file with a value of every kind and two tensors.</summary>
    public static GgufWriter Small() => new GgufWriter()
        .Text("general.architecture", "llama")
        .Number("answer", 42u)
        .Number("third", 0.25f)
        .Flag("yes", true)
        .Texts("words", ["one"u8.ToArray(), "zwölf"u8.ToArray(), []])
        .Numbers("scores", [1.5f, -2f])
        .Numbers("types", [1, 2, 3])
        .Value("long", GgufValueType.Int64, to => GgufWriter.WriteUInt64(to, ulong.MaxValue))
        .Value("nested", GgufValueType.Array, to =>
        {
            GgufWriter.WriteUInt32(to, (uint)GgufValueType.Array);
            GgufWriter.WriteUInt64(to, 1);
            GgufWriter.WriteUInt32(to, (uint)GgufValueType.UInt8);
            GgufWriter.WriteUInt64(to, 2);
            to.Write([7, 8]);
        })
        .Tensor("a", GgufTensorType.F32, [3, 2], Bytes(24))
        .Tensor("b", GgufTensorType.Q8_0, [64], Bytes(68));

    /// <summary>Reads a file that lies in memory and looks at it while it does not move.</summary>
    public static unsafe T With<T>(byte[] bytes, Func<GgufFile, T> look)
    {
        fixed (byte* data = bytes)
        {
            using var file = GgufFile.OfMemory(data, bytes.Length, "test.gguf");
            return look(file);
        }
    }

    public static byte[] Bytes(int count) => [.. Enumerable.Range(1, count).Select(i => (byte)i)];
}
