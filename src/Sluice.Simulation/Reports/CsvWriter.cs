using System.Buffers.Text;
using System.Text;

namespace Sluice.Simulation;

/// <summary>Comma-separated UTF-8 lines through one buffer; numbers are formatted in place and allocate
/// nothing.</summary>
/// <remarks>RFC 4180 quoting, lines end in one line feed. Call <see cref="Flush"/> at the end.</remarks>
internal sealed class CsvWriter(Stream stream)
{
    /// <summary>Longer than any number.</summary>
    private const int FieldRoom = 64;
    private static ReadOnlySpan<long> PowersOfTen => [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000];

    private readonly byte[] _buffer = new byte[1 << 16];
    private int _used;
    private bool _midLine;

    /// <summary>A text as it stands in a file, quoted where needed; make it once for a text used often.</summary>
    public static byte[] Encode(string text)
    {
        var isPlain = text.AsSpan().IndexOfAny(",\"\r\n") < 0;
        return Encoding.UTF8.GetBytes(
            isPlain ? text : $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"");
    }

    public void Text(ReadOnlySpan<byte> encoded)
    {
        Begin();
        if (encoded.Length > _buffer.Length - _used) Flush();
        if (encoded.Length > _buffer.Length)
        {
            stream.Write(encoded);
            return;
        }

        encoded.CopyTo(_buffer.AsSpan(_used));
        _used += encoded.Length;
    }

    public void Empty() => Begin();

    public void Whole(long value)
    {
        Begin();
        Utf8Formatter.TryFormat(value, _buffer.AsSpan(_used), out var written);
        _used += written;
    }

    /// <summary>Exact decimal: <paramref name="value"/> / 10^<paramref name="decimals"/>.</summary>
    /// <param name="value">At least 0.</param>
    public void Fixed(long value, int decimals)
    {
        Begin();
        var (whole, fraction) = Math.DivRem(value, PowersOfTen[decimals]);
        Utf8Formatter.TryFormat(whole, _buffer.AsSpan(_used), out var written);
        _used += written;
        _buffer[_used++] = (byte)'.';
        for (var digit = decimals - 1; digit >= 0; digit--)
        {
            _buffer[_used + digit] = (byte)('0' + fraction % 10);
            fraction /= 10;
        }

        _used += decimals;
    }

    /// <summary>Shortest text that reads back as the same number.</summary>
    public void Real(double value)
    {
        Begin();
        Utf8Formatter.TryFormat(value, _buffer.AsSpan(_used), out var written);
        _used += written;
    }

    public void EndLine()
    {
        _buffer[_used++] = (byte)'\n';
        _midLine = false;
        if (_buffer.Length - _used < FieldRoom) Flush();
    }

    public void Flush()
    {
        stream.Write(_buffer.AsSpan(0, _used));
        _used = 0;
    }

    private void Begin()
    {
        if (_buffer.Length - _used < FieldRoom) Flush();
        if (_midLine) _buffer[_used++] = (byte)',';
        _midLine = true;
    }
}
