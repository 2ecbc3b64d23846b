using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Sluice.Cli.Tests;

public sealed partial class PaperFigureTests
{
    private static readonly PaperFigure[] s_everySource =
    [
        PaperFigure.Checked("a"), PaperFigure.Summarised("b"), PaperFigure.Recalled("c"), PaperFigure.Computed("d"),
        PaperFigure.Inferred("e"),
    ];

    [Fact]
    public void Every_source_has_a_letter_of_its_own_and_a_meaning()
    {
        Assert.Equal(Enum.GetValues<PaperSource>(), s_everySource.Select(f => f.Source));
        Assert.Equal(["a [V]", "b [S]", "c [R]", "d [C]", "e [I]"], s_everySource.Select(f => f.ToString()));
        Assert.Equal(s_everySource.Length, PaperFigure.Legend(s_everySource).Distinct().Count());
    }

    [Fact]
    public void The_legend_has_the_marks_that_occur_surest_first()
    {
        string[] marks = [.. PaperFigure.Legend([s_everySource[4], s_everySource[0], s_everySource[4]]).Select(l => l[..3])];

        Assert.Equal(["[V]", "[I]"], marks);
    }

    [Fact]
    public void Text_page_and_json_state_the_source_of_every_row()
    {
        ReproductionRow[] rows = [.. s_everySource.Select(f => new ReproductionRow("claim", f, "ours", true, ""))];

        Assert.Equal(["[V]", "[S]", "[R]", "[C]", "[I]", "[V]", "[S]", "[R]", "[C]", "[I]"], Marks(Text(rows)));
        Assert.Equal(["checked", "summarised", "recalled", "computed", "inferred"], Sources(rows));
        var page = Page(rows);
        Assert.All(s_everySource, f => Assert.Contains($"<td>{f}</td>", page, StringComparison.Ordinal));
        Assert.All(PaperFigure.Legend(s_everySource), meaning => Assert.Contains(
            System.Net.WebUtility.HtmlEncode(meaning), page, StringComparison.Ordinal));
    }

    /// <summary>The quickest one whole, through the command.</summary>
    [Fact]
    public void A_reproduction_prints_a_mark_with_each_figure_of_its_paper_and_what_the_marks_mean()
    {
        var lines = Shell.Succeed("reproduce", "scls", "--small").Out.Split('\n');

        var legend = lines.Where(l => l.StartsWith('[')).ToArray();
        Assert.Equal(["[V]", "[R]", "[I]"], legend.Select(l => l[..3]));
        var rows = int.Parse(lines[^2].Split(' ')[2], CultureInfo.InvariantCulture);
        Assert.Equal(rows, lines.Sum(l => l.Length > 27 ? Mark().Count(l[27..Math.Min(l.Length, 41)]) : 0));
    }

    private static string Text(IReadOnlyList<ReproductionRow> rows)
    {
        var writer = new StringWriter();
        RowTable.Write(rows, writer);
        return writer.ToString();
    }

    private static IEnumerable<string> Marks(string text) => Mark().Matches(text).Select(m => m.Value);

    private static IEnumerable<string?> Sources(IReadOnlyList<ReproductionRow> rows)
    {
        using var stream = new MemoryStream();
        RowJson.Write("any", rows, stream);
        using var json = JsonDocument.Parse(stream.ToArray());
        return [.. json.RootElement.GetProperty("rows").EnumerateArray().Select(r => r.GetProperty("source").GetString())];
    }

    private static string Page(IReadOnlyList<ReproductionRow> rows)
    {
        using var stream = new MemoryStream();
        ReproductionPage.Make(ReproductionCatalog.All[0], new(rows, []), isSmall: true).Write(stream);
        return System.Text.Encoding.UTF8.GetString(stream.ToArray());
    }

    [GeneratedRegex(@"\[[VSRCI]\]")]
    private static partial Regex Mark();
}
