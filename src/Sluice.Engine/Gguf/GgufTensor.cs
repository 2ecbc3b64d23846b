using Sluice.Core;

namespace Sluice.Engine;

/// <summary>A tensor of an open <see cref="GgufFile"/>: where its bytes are, and how they are to be read. Nothing is
/// copied; the pointer is good until the file is disposed.</summary>
/// <remarks>Dimension 0 is the one whose elements are neighbours: a weight matrix of a linear layer has its inputs there and
/// its outputs in dimension 1; experts are dimension 2.</remarks>
public sealed unsafe class GgufTensor
{
    private readonly byte* _data;
    private readonly long[] _dimensions;

    internal GgufTensor(string name, GgufTensorType type, long[] dimensions, byte* data, long offset, long bytes)
    {
        _data = data;
        (Name, Type, _dimensions, Offset, Bytes) = (name, type, dimensions, offset, bytes);
        Elements = 1;
        foreach (var dimension in dimensions) Elements *= dimension;
    }

    public string Name { get; }
    public GgufTensorType Type { get; }

    /// <summary>1 to 4 of them, each at least 1.</summary>
    public ReadOnlySpan<long> Dimensions => _dimensions;

    /// <summary>1 for a dimension that is not there.</summary>
    public long Dimension(int index) => index < _dimensions.Length ? _dimensions[index] : 1;

    public long Elements { get; }

    /// <summary>Elements of one row: dimension 0.</summary>
    public long RowElements => _dimensions[0];

    public long Rows => Elements / RowElements;

    public long RowBytes => RowElements / Type.BlockElements() * Type.BlockBytes();

    /// <summary>Where the data begins, in bytes from the beginning of the file.</summary>
    public long Offset { get; }

    public long Bytes { get; }

    /// <summary>The first of <see cref="Bytes"/> bytes. Aligned as the file is, 32 bytes unless it says
    /// otherwise.</summary>
    public byte* Data => _data;

    /// <summary>All of it, for tensors of less than 2 GiB.</summary>
    public ReadOnlySpan<byte> Span => new(_data, checked((int)Bytes));

    public ReadOnlySpan<byte> Row(long row)
    {
        Check.That((ulong)row < (ulong)Rows);
        return new(_data + row * RowBytes, checked((int)RowBytes));
    }

    /// <summary>The dimensions as a message shows them: <c>[256, 1024]</c>.</summary>
    public string Shape => $"[{string.Join(", ", _dimensions)}]";
}
