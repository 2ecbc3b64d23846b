namespace Sluice.Cli;

/// <summary>The rows of a reproduction as text, each cell wrapped in its column; below them what their marks mean.</summary>
public static class RowTable
{
    public const int UsualWidth = 100;
    private const int Gap = 2;

    /// <summary>Width of the terminal; 100 where there is none.</summary>
    public static int TerminalWidth
    {
        get
        {
            if (Console.IsOutputRedirected) return UsualWidth;
            try
            {
                return Math.Clamp(Console.WindowWidth, 70, 160);
            }
            catch (IOException)
            {
                return UsualWidth;
            }
        }
    }

    public static void Write(IReadOnlyList<ReproductionRow> rows, TextWriter writer, int width = UsualWidth)
    {
        int[] widths = [width * 25 / 100, width * 14 / 100, width * 15 / 100, "agrees".Length, 0];
        widths[^1] = width - widths.Sum() - Gap * (widths.Length - 1);

        WriteRow(writer, ["claim", "paper", "ours", "agrees", "note"], widths);
        writer.Write(new string('-', width) + "\n");
        foreach (var row in rows)
        {
            WriteRow(writer, [row.Claim, row.Paper.ToString(), row.Ours, row.Agrees ? "yes" : "no", row.Note], widths);
            writer.Write("\n");
        }

        foreach (var mark in PaperFigure.Legend(rows.Select(r => r.Paper))) writer.Write(mark + "\n");
        writer.Write($"{rows.Count(r => r.Agrees)} of {rows.Count} rows agree.\n");
    }

    private static void WriteRow(TextWriter writer, string[] cells, int[] widths)
    {
        string[][] wrapped = [.. cells.Select((cell, i) => Wrap(cell, widths[i]).ToArray())];
        for (var line = 0; line < wrapped.Max(c => c.Length); line++)
        {
            var parts = wrapped.Select((cell, i) => (line < cell.Length ? cell[line] : "").PadRight(widths[i]));
            writer.Write(string.Join(new string(' ', Gap), parts).TrimEnd() + "\n");
        }
    }

    /// <summary>Breaks at blanks; a word longer than a line is cut.</summary>
    private static IEnumerable<string> Wrap(string text, int width)
    {
        while (text.Length > width)
        {
            var blank = text.LastIndexOf(' ', width);
            var take = blank > 0 ? blank : width;
            yield return text[..take];
            text = text[take..].TrimStart();
        }

        yield return text;
    }
}
