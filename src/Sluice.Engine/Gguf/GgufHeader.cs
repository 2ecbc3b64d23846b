using System.Numerics;
using Sluice.Core;

namespace Sluice.Engine;

/// <summary>The header of a GGUF file: reads it once from front to back and checks that everything it says fits into the
/// file.</summary>
/// <remarks>Layout (the GGUF specification in the ggml repository): magic, version, tensor count, metadata count; metadata as
/// key, type, value; tensors as name, dimensions, type, offset; then, aligned, the data. Little-endian.</remarks>
internal sealed unsafe class GgufHeader
{
    public const int BytesMin = 24;

    private const uint Magic = 0x46554747; // "GGUF", first letter lowest.
    private const int KeyBytesMax = 65535;
    private const int NameBytesMax = 4096;
    private const int DimensionsMax = 4;
    private const int NestingMax = 4;
    private const int AlignmentDefault = 32;
    private const int AlignmentMax = 1 << 20;

    private readonly string _file;
    private readonly byte* _data;
    private readonly long _length;
    private GgufCursor _cursor;

    private GgufHeader(byte* data, long length, string file)
    {
        _data = data;
        (_length, _file) = (length, file);
        _cursor = new(data, length, file);
        Metadata = null!;
    }

    public int Version { get; private set; }
    public int Alignment { get; private set; }
    public GgufMetadata Metadata { get; private set; }
    public List<GgufTensor> Tensors { get; } = [];
    public Dictionary<string, GgufTensor> ByName { get; } = new(StringComparer.Ordinal);

    public static GgufHeader Read(byte* data, long length, string file)
    {
        var header = new GgufHeader(data, length, file);
        header.Read();
        return header;
    }

    private void Read()
    {
        var magic = _cursor.UInt32("the magic");
        if (magic != Magic) throw _cursor.Wrong(0, $"the file begins with 0x{magic:X8}", $"0x{Magic:X8} ('GGUF')");
        ReadVersion();
        var tensors = _cursor.Count("the number of tensors", bytesEach: 8 + 4 + 8 + 4 + 8);
        var values = _cursor.Count("the number of metadata values", bytesEach: 8 + 4 + 1);
        Metadata = new(_file, _data, _length, ReadMetadata(values));
        ReadAlignment();
        ReadTensors(tensors);
        CheckOverlaps();
    }

    private void ReadVersion()
    {
        var version = _cursor.UInt32("the version");
        if (version is 0x02000000 or 0x03000000)
            throw _cursor.Wrong(4, "the file is big-endian", "a little-endian file; convert it");
        if (version is not (2 or 3)) throw _cursor.Wrong(4, $"the version is {version}", "2 or 3");
        Version = (int)version;
    }

    private Dictionary<string, GgufValue> ReadMetadata(long count)
    {
        var values = new Dictionary<string, GgufValue>(StringComparer.Ordinal);
        for (var i = 0L; i < count; i++)
        {
            var at = _cursor.At;
            var key = _cursor.Text($"metadata key {i}", KeyBytesMax);
            if (key.Length == 0) throw _cursor.Wrong(at, $"metadata key {i} is empty", "a name");
            if (!values.TryAdd(key, ReadValue(key))) throw _cursor.Wrong(at, $"metadata key '{key}' is there twice", "it once");
        }

        return values;
    }

    private GgufValue ReadValue(string key)
    {
        var type = ReadType(key);
        if (type != GgufValueType.Array)
        {
            var at = _cursor.At;
            SkipOne(type, key);
            return new(type, at, type, 1);
        }

        var (element, count) = ReadArrayHead(key);
        var first = _cursor.At;
        SkipArray(element, count, key, NestingMax);
        return new(type, first, element, count);
    }

    private GgufValueType ReadType(string key)
    {
        var at = _cursor.At;
        var type = (GgufValueType)_cursor.UInt32($"the type of '{key}'");
        return GgufValueTypes.Bytes(type) >= 0 ? type : throw _cursor.Wrong(at, $"'{key}' has the value type {(uint)type}", "0 to 12");
    }

    private (GgufValueType Element, long Count) ReadArrayHead(string key)
    {
        var element = ReadType(key);
        var bytesEach = element switch
        {
            GgufValueType.Text => 8,
            GgufValueType.Array => 12,
            _ => GgufValueTypes.Bytes(element),
        };
        return (element, _cursor.Count($"the length of array '{key}'", bytesEach));
    }

    private void SkipArray(GgufValueType element, long count, string key, int nestingLeft)
    {
        if (GgufValueTypes.Bytes(element) is > 0 and var size)
        {
            if (element == GgufValueType.Bool)
                for (var i = 0L; i < count; i++) SkipOne(element, key);
            else
                _cursor.Skip(count * size, $"array '{key}'");
            return;
        }

        if (nestingLeft == 0) throw _cursor.Wrong(_cursor.At, $"'{key}' is nested too deeply", $"at most {NestingMax} levels");
        for (var i = 0L; i < count; i++)
        {
            if (element == GgufValueType.Text)
            {
                _cursor.Skip(_cursor.Count("the length of a text", 1), key);
            }
            else
            {
                var (inner, innerCount) = ReadArrayHead(key);
                SkipArray(inner, innerCount, key, nestingLeft - 1);
            }
        }
    }

    private void SkipOne(GgufValueType type, string key)
    {
        var at = _cursor.At;
        if (type == GgufValueType.Text) _cursor.TextBytes(key);
        else if (type != GgufValueType.Bool) _cursor.Skip(GgufValueTypes.Bytes(type), key);
        else if (_cursor.Byte(key) is > 1 and var value) throw _cursor.Wrong(at, $"'{key}' is a bool of {value}", "0 or 1");
    }

    private void ReadAlignment()
    {
        var alignment = Metadata.WholeNumber("general.alignment", 1, long.MaxValue, AlignmentDefault);
        if (alignment is < 8 or > AlignmentMax || !BitOperations.IsPow2(alignment))
            throw new InputException(
                $"{_file}: metadata key 'general.alignment' is {alignment}; expected a power of two from 8 to {AlignmentMax}.");
        Alignment = (int)alignment;
    }

    private void ReadTensors(long count)
    {
        var infos = new List<(string Name, GgufTensorType Type, long[] Dimensions, ulong Offset, long Bytes, long At)>();
        for (var i = 0L; i < count; i++)
        {
            var at = _cursor.At;
            var name = _cursor.Text($"the name of tensor {i}", NameBytesMax);
            if (name.Length == 0) throw _cursor.Wrong(at, $"tensor {i} has no name", "a name");
            var dimensions = ReadDimensions(name);
            var typeAt = _cursor.At;
            var type = (GgufTensorType)_cursor.UInt32($"the type of tensor '{name}'");
            var bytes = BytesOf(name, type, dimensions, typeAt);
            infos.Add((name, type, dimensions, _cursor.UInt64($"the offset of tensor '{name}'"), bytes, at));
        }

        // The data begins at the next multiple of the alignment, and offsets count from there.
        var start = (_cursor.At + Alignment - 1) / Alignment * Alignment;
        foreach (var (name, type, dimensions, offset, bytes, at) in infos)
        {
            var room = (ulong)Math.Max(0, _length - start);
            if (offset % (ulong)Alignment != 0)
                throw _cursor.Wrong(at, $"tensor '{name}' has the offset {offset}", $"a multiple of {Alignment}");
            if (offset > room || (ulong)bytes > room - offset)
                throw _cursor.Wrong(at, $"tensor '{name}' has {bytes} bytes at offset {offset} of the data",
                    $"it to end within the {room} bytes of data there are (a cut-off download?)");
            var tensor = new GgufTensor(name, type, dimensions, _data + start + (long)offset, start + (long)offset, bytes);
            if (!ByName.TryAdd(name, tensor)) throw _cursor.Wrong(at, $"tensor '{name}' is there twice", "it once");
            Tensors.Add(tensor);
        }
    }

    private long[] ReadDimensions(string name)
    {
        var at = _cursor.At;
        var count = _cursor.UInt32($"the number of dimensions of tensor '{name}'");
        if (count is 0 or > DimensionsMax)
            throw _cursor.Wrong(at, $"tensor '{name}' has {count} dimensions", $"1 to {DimensionsMax}");
        var dimensions = new long[count];
        for (var i = 0; i < count; i++)
        {
            at = _cursor.At;
            var dimension = _cursor.UInt64($"dimension {i} of tensor '{name}'");
            if (dimension is 0 or > int.MaxValue)
                throw _cursor.Wrong(at, $"dimension {i} of tensor '{name}' is {dimension}", $"1 to {int.MaxValue}");
            dimensions[i] = (long)dimension;
        }

        return dimensions;
    }

    private long BytesOf(string name, GgufTensorType type, long[] dimensions, long typeAt)
    {
        var (blockElements, blockBytes) = GgufTensorTypes.Block(type);
        if (blockElements == 0)
            throw _cursor.Wrong(typeAt, $"tensor '{name}' has the type number {(int)type}, which Sluice does not know",
                $"one of {string.Join(", ", GgufTensorTypes.Supported.Select(t => $"{(int)t} ({t})"))}");
        if (dimensions[0] % blockElements != 0)
            throw _cursor.Wrong(typeAt, $"tensor '{name}' has rows of {dimensions[0]} elements of type {type}",
                $"a multiple of {blockElements}");

        var bytes = (UInt128)(ulong)(dimensions[0] / blockElements * blockBytes);
        foreach (var dimension in dimensions.AsSpan(1)) bytes *= (ulong)dimension;
        return bytes <= (UInt128)(ulong)_length
            ? (long)bytes
            : throw _cursor.Wrong(typeAt, $"tensor '{name}' would take {bytes} bytes", $"at most the {_length} of the whole file");
    }

    private void CheckOverlaps()
    {
        GgufTensor[] inOrder = [.. Tensors.OrderBy(tensor => tensor.Offset)];
        for (var i = 1; i < inOrder.Length; i++)
            if (inOrder[i].Offset < inOrder[i - 1].Offset + inOrder[i - 1].Bytes)
                throw _cursor.Wrong(inOrder[i].Offset, $"tensor '{inOrder[i].Name}' begins within tensor '{inOrder[i - 1].Name}'",
                    "tensors that do not overlap");
    }
}
