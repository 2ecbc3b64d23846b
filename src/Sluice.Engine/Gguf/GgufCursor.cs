using System.Buffers.Binary;
using System.Text;
using Sluice.Core;

namespace Sluice.Engine;

/// <summary>Reads forward through a file in memory and never past its end.</summary>
internal unsafe struct GgufCursor(byte* data, long length, string file)
{
    private static readonly UTF8Encoding s_strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public long At { get; set; }

    public readonly long Remaining => length - At;

    public byte Byte(string field) => Take(1, field)[0];

    public uint UInt32(string field) => BinaryPrimitives.ReadUInt32LittleEndian(Take(4, field));

    public ulong UInt64(string field) => BinaryPrimitives.ReadUInt64LittleEndian(Take(8, field));

    /// <summary>A number of things that take at least <paramref name="bytesEach"/> bytes of the rest of the file: so a count
    /// beyond what the file can hold is refused before anything is allocated for it.</summary>
    public long Count(string field, int bytesEach)
    {
        var at = At;
        var count = UInt64(field);
        if (count > (ulong)(Remaining / bytesEach))
            throw Wrong(at, $"{field} is {count}", $"at most {Remaining / bytesEach}, since {Remaining} bytes are left");
        return (long)count;
    }

    /// <summary>The bytes of a text: a length in 8 bytes, then the text.</summary>
    public ReadOnlySpan<byte> TextBytes(string field)
    {
        var count = Count($"the length of {field}", 1);
        if (count > int.MaxValue) throw Wrong(At, $"{field} has {count} bytes", "less than 2 GiB");
        return Take((int)count, field);
    }

    public string Text(string field, int bytesMax)
    {
        var at = At;
        var bytes = TextBytes(field);
        if (bytes.Length > bytesMax) throw Wrong(at, $"{field} has {bytes.Length} bytes", $"at most {bytesMax}");
        try
        {
            return s_strict.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            throw Wrong(at, $"{field} is not UTF-8", "a text in UTF-8");
        }
    }

    public ReadOnlySpan<byte> Take(long count, string field)
    {
        if (count > Remaining)
            throw Wrong(At, $"the file ends within {field}", $"{count} bytes there, and {Remaining} are left (a cut-off download?)");
        var span = new ReadOnlySpan<byte>(data + At, checked((int)count));
        At += count;
        return span;
    }

    public void Skip(long count, string field)
    {
        if (count > Remaining)
            throw Wrong(At, $"the file ends within {field}", $"{count} bytes there, and {Remaining} are left (a cut-off download?)");
        At += count;
    }

    public readonly InputException Wrong(long at, string what, string right) =>
        new($"{file}: at byte {at}: {what}; expected {right}.");
}
