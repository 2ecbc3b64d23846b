namespace Sluice.Simulation;

/// <summary>Breaks text into lines of a width.</summary>
internal static class TextLines
{
    /// <summary>How many characters go on the next line: up to the last blank that fits, or <paramref name="width"/> when a
    /// word is longer than a line.</summary>
    public static int Break(string text, int width)
    {
        if (text.Length <= width) return text.Length;
        var lead = text.Length - text.TrimStart().Length;
        var blank = text.LastIndexOf(' ', width);
        return blank > lead ? blank + 1 : width;
    }

    /// <summary>Cut to a width, with an ellipsis where something is missing.</summary>
    public static string Cut(string text, int width) => text.Length <= width ? text : text[..(width - 1)] + "…";
}
