namespace Sluice.Cli;

/// <summary>Columns of plain text under a heading, as wide as their widest cell. Only the last one wraps, under
/// itself.</summary>
public sealed class Listing(params string[] headings)
{
    private const int Gap = 2;
    private const int LastWidthMin = 24;

    private readonly List<string[]> _rows = [];

    /// <summary>Columns that end at the same place, as numbers should.</summary>
    public IReadOnlyList<int> RightAligned { get; init; } = [];

    public int Indent { get; init; }

    public void Add(params string[] cells)
    {
        Core.Check.That(cells.Length == headings.Length);
        _rows.Add(cells);
    }

    public void Write(TextWriter writer, int width)
    {
        var last = headings.Length - 1;
        int[] widths = [.. headings.Select((heading, i) => _rows.Select(row => row[i].Length).Append(heading.Length).Max())];
        var before = Indent + widths[..last].Sum() + Gap * last;
        widths[last] = Math.Min(widths[last], Math.Max(LastWidthMin, width - before));

        if (headings.Any(heading => heading.Length > 0))
        {
            WriteRow(writer, headings, widths);
            writer.Write(new string(' ', Indent) + new string('-', widths.Sum() + Gap * last) + "\n");
        }

        foreach (var row in _rows) WriteRow(writer, row, widths);
    }

    private void WriteRow(TextWriter writer, string[] cells, int[] widths)
    {
        var last = cells.Length - 1;
        var head = new string(' ', Indent);
        for (var i = 0; i < last; i++)
            head += (RightAligned.Contains(i) ? cells[i].PadLeft(widths[i]) : cells[i].PadRight(widths[i])) + new string(' ', Gap);

        foreach (var line in Wrap(cells[last], widths[last]))
        {
            writer.Write((head + (RightAligned.Contains(last) ? line.PadLeft(widths[last]) : line)).TrimEnd() + "\n");
            head = new string(' ', head.Length);
        }
    }

    /// <summary>A paragraph in lines of at most this width, the second and later ones indented.</summary>
    public static void WriteText(TextWriter writer, string text, int width, int indent = 0)
    {
        var lead = "";
        foreach (var line in Wrap(text, width - indent))
        {
            writer.Write(lead + line + "\n");
            lead = new string(' ', indent);
        }
    }

    /// <summary>Breaks at blanks; a word longer than a line is cut.</summary>
    private static IEnumerable<string> Wrap(string text, int width)
    {
        while (text.Length > width)
        {
            var blank = text.LastIndexOf(' ', width);
            var take = blank > 0 ? blank : width;
            yield return text[..take].TrimEnd();
            text = text[take..].TrimStart();
        }

        yield return text;
    }
}
