using System.Buffers.Text;
using System.Text;

namespace Sluice.Upstreams;

/// <summary>Reads metrics in Prometheus' text format.</summary>
/// <remarks>Source: Prometheus, "Exposition formats", text format 0.0.4. What is not a sample is passed over, whatever it is;
/// nothing is kept, and a line is read once.</remarks>
internal static class PrometheusText
{
    /// <summary>One sample. The spans are valid during the call.</summary>
    internal delegate void SampleHandler(ReadOnlySpan<byte> name, ReadOnlySpan<byte> labels, double value);

    public static void Read(ReadOnlySpan<byte> text, SampleHandler handle)
    {
        while (!text.IsEmpty)
        {
            var end = text.IndexOf((byte)'\n');
            var line = end < 0 ? text : text[..end];
            text = end < 0 ? default : text[(end + 1)..];
            ReadLine(line, handle);
        }
    }

    /// <param name="labels">What stands between the braces of a sample.</param>
    /// <param name="name">Of the label.</param>
    /// <returns>Null if there is no such label.</returns>
    public static string? Label(ReadOnlySpan<byte> labels, ReadOnlySpan<byte> name)
    {
        while (!labels.IsEmpty)
        {
            var equals = labels.IndexOf((byte)'=');
            if (equals < 0 || equals + 1 >= labels.Length || labels[equals + 1] != '"') return null;
            var key = Trim(labels[..equals]);
            var rest = labels[(equals + 2)..];
            var close = EndOfText(rest);
            if (close < 0) return null;
            if (key.SequenceEqual(name)) return Unescape(rest[..close]);
            labels = rest[(close + 1)..].TrimStart(" ,"u8);
        }

        return null;
    }

    private static void ReadLine(ReadOnlySpan<byte> line, SampleHandler handle)
    {
        line = Trim(line);
        if (line.IsEmpty || line[0] == '#') return;
        var nameEnd = line.IndexOfAny((byte)'{', (byte)' ', (byte)'\t');
        if (nameEnd <= 0) return;

        var name = line[..nameEnd];
        var labels = ReadOnlySpan<byte>.Empty;
        var rest = line[nameEnd..];
        if (rest[0] == '{')
        {
            var close = EndOfLabels(rest);
            if (close < 0) return;
            labels = rest[1..close];
            rest = rest[(close + 1)..];
        }

        rest = Trim(rest);
        var valueEnd = rest.IndexOfAny((byte)' ', (byte)'\t'); // a time may follow
        if (TryNumber(valueEnd < 0 ? rest : rest[..valueEnd], out var value)) handle(name, labels, value);
    }

    private static int EndOfLabels(ReadOnlySpan<byte> text)
    {
        for (var i = 1; i < text.Length; i++)
        {
            if (text[i] == '}') return i;
            if (text[i] != '"') continue;
            var close = EndOfText(text[(i + 1)..]);
            if (close < 0) return -1;
            i += close + 1;
        }

        return -1;
    }

    /// <summary>Position of the quote that closes a text.</summary>
    private static int EndOfText(ReadOnlySpan<byte> text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '"') return i;
            if (text[i] == '\\') i++;
        }

        return -1;
    }

    private static string Unescape(ReadOnlySpan<byte> text)
    {
        var value = Encoding.UTF8.GetString(text);
        return value.Contains('\\')
            ? value.Replace("\\n", "\n", StringComparison.Ordinal).Replace("\\\"", "\"", StringComparison.Ordinal)
                .Replace("\\\\", "\\", StringComparison.Ordinal)
            : value;
    }

    private static bool TryNumber(ReadOnlySpan<byte> text, out double value)
    {
        if (Utf8Parser.TryParse(text, out value, out var read) && read == text.Length) return true;
        value = text.SequenceEqual("+Inf"u8) ? double.PositiveInfinity
            : text.SequenceEqual("-Inf"u8) ? double.NegativeInfinity
            : double.NaN;
        return double.IsInfinity(value) || text.SequenceEqual("NaN"u8);
    }

    private static ReadOnlySpan<byte> Trim(ReadOnlySpan<byte> text) => text.Trim(" \t\r"u8);
}
