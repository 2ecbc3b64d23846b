using System.Text;
using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>A CSV file with a header, read line by line: columns are found by name, in any order.</summary>
/// <remarks>Fields may be quoted, with a doubled quote inside for a quote; a quoted line break is not supported. A row
/// allocates nothing.</remarks>
internal sealed class CsvTable
{
    private readonly TraceLines _lines;
    private readonly string[] _names;
    private readonly (int Start, int Length)[] _fields;
    private byte[] _unquoted = [];

    /// <param name="lines">Standing on the header.</param>
    public CsvTable(TraceLines lines)
    {
        _lines = lines;
        _names = Header(lines);
        _fields = new (int, int)[_names.Length];
    }

    public string Path => _lines.Path;

    /// <summary>The names of a header line, without quotes and surrounding blanks.</summary>
    public static string[] Header(TraceLines lines)
    {
        var names = Encoding.UTF8.GetString(lines.Current).Split(',');
        for (var i = 0; i < names.Length; i++) names[i] = names[i].Trim().Trim('"').Trim();
        return names;
    }

    /// <summary>The position of a column whose name is one of these, letters compared without case; -1 if there is
    /// none.</summary>
    public int Find(params ReadOnlySpan<string> names)
    {
        for (var i = 0; i < _names.Length; i++)
            foreach (var name in names)
                if (string.Equals(_names[i], name, StringComparison.OrdinalIgnoreCase)) return i;

        return -1;
    }

    /// <exception cref="InputException">The header has no such column.</exception>
    public int Require(string name)
    {
        var column = Find(name);
        return column >= 0
            ? column
            : throw _lines.Error($"found the columns {string.Join(", ", _names)}; expected a column '{name}'");
    }

    /// <exception cref="InputException">The row has more or fewer fields than the header.</exception>
    public bool MoveNext()
    {
        if (!_lines.MoveNext()) return false;

        var count = Split(_lines.Current);
        return count == _names.Length
            ? true
            : throw _lines.Error($"found {count} fields, expected {_names.Length} ({string.Join(", ", _names)})");
    }

    /// <summary>The text of a field of the current row, without its quotes.</summary>
    public ReadOnlySpan<byte> Field(int column)
    {
        var (start, length) = _fields[column];
        var raw = _lines.Current.Slice(start, length).Trim(" \t"u8);
        return raw.Length >= 2 && raw[0] == '"' ? Unquote(raw[1..^1]) : raw;
    }

    /// <summary>A whole number of tokens or images in [0, <paramref name="max"/>]; a fraction of zero is accepted.</summary>
    public int Count(int column, int max)
    {
        var field = Field(column);
        return NumberText.TryCount(field, max, out var value)
            ? value
            : throw Error(column, $"a whole number from 0 to {max}");
    }

    /// <summary>A time in seconds, as ticks.</summary>
    public long Seconds(int column) =>
        NumberText.TrySeconds(Field(column), out var ticks) ? ticks : throw Error(column, NumberText.SecondsExpected);

    /// <summary>A date and time of day, as ticks since year 1.</summary>
    public long WallClock(int column) =>
        WallClockText.TryParse(Field(column), out var ticks)
            ? ticks
            : throw Error(column, "a time such as 2023-11-16 18:17:03.9799600");

    /// <summary>A complaint about one field of the current row.</summary>
    public InputException Error(int column, string expected) => _lines.Error(
        $"column '{_names[column]}' ({column + 1}): found {NumberText.Quote(Field(column))}, expected {expected}");

    private int Split(ReadOnlySpan<byte> line)
    {
        var count = 0;
        var start = 0;
        while (true)
        {
            var length = FieldLength(line[start..]);
            if (count < _fields.Length) _fields[count] = (start, length);
            count++;
            start += length + 1;
            if (start > line.Length) return count;
        }
    }

    /// <summary>Up to the next comma outside quotes, or the rest of the line.</summary>
    private int FieldLength(ReadOnlySpan<byte> rest)
    {
        var next = rest.IndexOfAny((byte)',', (byte)'"');
        if (next < 0) return rest.Length;
        if (rest[next] == ',') return next;

        var inQuotes = false;
        for (var i = next; i < rest.Length; i++)
        {
            if (rest[i] == '"') inQuotes = !inQuotes;
            else if (rest[i] == ',' && !inQuotes) return i;
        }

        return inQuotes ? throw _lines.Error("found a quote that is not closed, expected it on the same line") : rest.Length;
    }

    private ReadOnlySpan<byte> Unquote(ReadOnlySpan<byte> inside)
    {
        if (inside.IndexOf((byte)'"') < 0) return inside;
        if (_unquoted.Length < inside.Length) _unquoted = new byte[inside.Length];

        var length = 0;
        for (var i = 0; i < inside.Length; i++)
        {
            if (inside[i] == '"' && i + 1 < inside.Length && inside[i + 1] == '"') i++;
            _unquoted[length++] = inside[i];
        }

        return _unquoted.AsSpan(0, length);
    }
}
