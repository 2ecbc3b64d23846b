using System.Buffers.Binary;
using System.Text;
using Sluice.Engine;

namespace Sluice.Testing;

/// <summary>Writes a GGUF file in memory, as well formed as its caller says: wrong numbers are written as they
/// stand.</summary>
public sealed class GgufWriter
{
    private readonly List<Action<Stream>> _values = [];
    private readonly List<(string Name, GgufTensorType Type, long[] Dimensions, byte[] Data, long? Offset)> _tensors = [];

    public uint Magic { get; init; } = 0x46554747;
    public uint Version { get; init; } = 3;
    public int Alignment { get; init; } = 32;

    /// <summary>Bytes of the header of the file that was written last: all but the tensors' data.</summary>
    public int HeaderBytes { get; private set; }

    public GgufWriter Text(string key, string value) => Value(key, GgufValueType.Text, to => WriteText(to, Encoding.UTF8.GetBytes(value)));

    public GgufWriter Number(string key, uint value) => Value(key, GgufValueType.UInt32, to => WriteUInt32(to, value));

    public GgufWriter Number(string key, float value) =>
        Value(key, GgufValueType.Float32, to => WriteUInt32(to, BitConverter.SingleToUInt32Bits(value)));

    public GgufWriter Flag(string key, bool value) => Value(key, GgufValueType.Bool, to => to.WriteByte(value ? (byte)1 : (byte)0));

    public GgufWriter Texts(string key, IReadOnlyCollection<byte[]> values) => Array(key, GgufValueType.Text, values, WriteText);

    public GgufWriter Numbers(string key, IReadOnlyCollection<float> values) =>
        Array(key, GgufValueType.Float32, values, (to, value) => WriteUInt32(to, BitConverter.SingleToUInt32Bits(value)));

    public GgufWriter Numbers(string key, IReadOnlyCollection<int> values) =>
        Array(key, GgufValueType.Int32, values, (to, value) => WriteUInt32(to, (uint)value));

    /// <summary>Any value, whatever its bytes.</summary>
    public GgufWriter Value(string key, GgufValueType type, Action<Stream> write)
    {
        _values.Add(to =>
        {
            WriteText(to, Encoding.UTF8.GetBytes(key));
            WriteUInt32(to, (uint)type);
            write(to);
        });
        return this;
    }

    /// <param name="offset">Where the header says it is, if that is not where it is.</param>
    public GgufWriter Tensor(string name, GgufTensorType type, long[] dimensions, byte[] data, long? offset = null)
    {
        _tensors.Add((name, type, dimensions, data, offset));
        return this;
    }

    public byte[] ToArray()
    {
        using var to = new MemoryStream();
        WriteUInt32(to, Magic);
        WriteUInt32(to, Version);
        WriteUInt64(to, (ulong)_tensors.Count);
        WriteUInt64(to, (ulong)_values.Count);
        foreach (var write in _values) write(to);
        var next = 0L;
        foreach (var (name, type, dimensions, data, offset) in _tensors)
        {
            WriteText(to, Encoding.UTF8.GetBytes(name));
            WriteUInt32(to, (uint)dimensions.Length);
            foreach (var dimension in dimensions) WriteUInt64(to, (ulong)dimension);
            WriteUInt32(to, (uint)type);
            WriteUInt64(to, (ulong)(offset ?? next));
            next = Aligned(next + data.Length);
        }

        HeaderBytes = (int)to.Length;
        foreach (var tensor in _tensors)
        {
            Pad(to);
            to.Write(tensor.Data);
        }

        if (_tensors.Count > 0) Pad(to);
        return to.ToArray();
    }

    public static void WriteUInt32(Stream to, uint value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        to.Write(bytes);
    }

    public static void WriteUInt64(Stream to, ulong value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        to.Write(bytes);
    }

    public static void WriteText(Stream to, byte[] text)
    {
        WriteUInt64(to, (ulong)text.Length);
        to.Write(text);
    }

    private GgufWriter Array<T>(string key, GgufValueType element, IReadOnlyCollection<T> values, Action<Stream, T> write) =>
        Value(key, GgufValueType.Array, to =>
        {
            WriteUInt32(to, (uint)element);
            WriteUInt64(to, (ulong)values.Count);
            foreach (var value in values) write(to, value);
        });

    private long Aligned(long at) => (at + Alignment - 1) / Alignment * Alignment;

    private void Pad(MemoryStream to)
    {
        while (to.Length % Alignment != 0) to.WriteByte(0);
    }
}
