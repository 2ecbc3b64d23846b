using System.Net;
using System.Text;
using System.Text.Json;

namespace Sluice.Simulation;

/// <summary>Writes a page as HTML: texts and tables as markup that reads without scripts, plots as data for
/// assets/plot.js.</summary>
/// <remarks>Every text goes through one of two doors: <see cref="Html"/> for markup, or the JSON writer, whose default
/// encoder escapes the angle brackets that could end a script element.</remarks>
internal sealed class PageWriter(Stream stream)
{
    private readonly StringBuilder _body = new();
    private readonly List<Plot> _plots = [];

    public void Write(PlotPage page)
    {
        WriteHeader(page);
        foreach (var section in page.Sections) WriteSection(section);

        // Each hole is filled while walking the template once, so that no text can be taken for a hole.
        var template = Asset("page.html");
        using var writer = new StreamWriter(stream, new UTF8Encoding(false), leaveOpen: true);
        var at = 0;
        while (template.IndexOf("{{", at, StringComparison.Ordinal) is >= 0 and var open)
        {
            var close = template.IndexOf("}}", open, StringComparison.Ordinal);
            writer.Write(template[at..open]);
            writer.Write(Fill(page, template[(open + 2)..close]));
            at = close + 2;
        }

        writer.Write(template[at..]);
    }

    private string Fill(PlotPage page, string hole) => hole switch
    {
        "title" => Html(page.Title),
        "style" => Asset("report.css"),
        "body" => _body.ToString(),
        "plots" => PlotsJson(),
        "script" => Asset("scale.js") + Asset("plot.js") + Asset("report.js"),
        _ => throw new Sluice.Core.InvariantException($"no text for {hole}"),
    };

    private void WriteHeader(PlotPage page)
    {
        _body.Append("<header><h1>").Append(Html(page.Title));
        if (page.Badge.Length > 0) _body.Append(" <span class=\"badge\">").Append(Html(page.Badge)).Append("</span>");
        _body.Append("</h1>\n");
        Element("p", "subtitle", page.Subtitle);
        _body.Append("</header>\n");
    }

    private void WriteSection(PageSection section)
    {
        _body.Append("<section>\n");
        Element("h2", "", section.Heading);
        var areSideBySide = false;
        // Four plots look better as two rows of two than as three and one.
        var plots = section.Blocks.Count(b => b is PlotBlock) == 4 ? "<div class=\"plots pairs\">\n" : "<div class=\"plots\">\n";
        foreach (var block in section.Blocks)
        {
            if (areSideBySide != block is PlotBlock) _body.Append(areSideBySide ? "</div>\n" : plots);
            areSideBySide = block is PlotBlock;
            WriteBlock(block);
        }

        if (areSideBySide) _body.Append("</div>\n");
        _body.Append("</section>\n");
    }

    private void WriteBlock(PageBlock block)
    {
        switch (block)
        {
            case ParagraphBlock b: Element("p", "", b.Text); break;
            case CodeBlock b: Element("pre", "", b.Text); break;
            case ListBlock b: WriteList(b); break;
            case TilesBlock b: WriteTiles(b); break;
            case TableBlock b: WriteTable(b); break;
            case ClaimsBlock b: WriteClaims(b); break;
            case PlotBlock b: WritePlot(b.Plot); break;
            default: throw new Sluice.Core.InvariantException($"unmapped {block.GetType().Name}");
        }
    }

    private void WriteList(ListBlock list)
    {
        _body.Append("<ul>\n");
        foreach (var item in list.Items) Element("li", "", item);
        _body.Append("</ul>\n");
    }

    private void WriteTiles(TilesBlock tiles)
    {
        _body.Append("<div class=\"tiles\">\n");
        foreach (var tile in tiles.Tiles)
        {
            _body.Append("<div class=\"tile\">");
            Element("div", "name", tile.Name);
            Element("div", "value", tile.Value);
            Element("div", "detail", tile.Detail);
            _body.Append("</div>\n");
        }

        _body.Append("</div>\n");
    }

    private void WriteTable(TableBlock table)
    {
        var isNarrow = table.Header.Count == 2 && !table.IsText;
        _body.Append(isNarrow ? "<div class=\"wide narrow\">" : "<div class=\"wide\">");
        _body.Append(table.IsText ? "<table class=\"text\">" : "<table>");
        WriteHeaderRow(table.Header);
        for (var row = 0; row < table.Rows.Count; row++)
        {
            _body.Append("<tr>");
            for (var column = 0; column < table.Rows[row].Count; column++)
            {
                var isBest = table.Best?.Contains((row, column)) == true;
                Element(column == 0 ? "th" : "td", isBest ? "best" : "", table.Rows[row][column], isKept: true);
            }

            _body.Append("</tr>\n");
        }

        _body.Append("</tbody></table></div>\n");
    }

    private void WriteClaims(ClaimsBlock claims)
    {
        _body.Append("<div class=\"wide\"><table class=\"text claims\">");
        WriteHeaderRow(["claim", "paper", "ours", "agrees", "note"]);
        foreach (var claim in claims.Claims)
        {
            var (word, style) = claim.Agrees switch { true => ("✓ yes", "yes"), false => ("✗ no", "no"), null => ("? open", "open") };
            _body.Append("<tr>");
            Element("th", "", claim.Claim, isKept: true);
            Element("td", "", claim.Paper, isKept: true);
            Element("td", "", claim.Ours, isKept: true);
            Element("td", style, word);
            Element("td", "", claim.Note, isKept: true);
            _body.Append("</tr>\n");
        }

        _body.Append("</tbody></table></div>\n");
    }

    private void WriteHeaderRow(IReadOnlyList<string> header)
    {
        _body.Append("<thead><tr>");
        foreach (var cell in header) Element("th", "", cell, isKept: true);
        _body.Append("</tr></thead>\n<tbody>\n");
    }

    private void WritePlot(Plot plot)
    {
        _body.Append("<figure class=\"").Append(plot.Kind == PlotKind.Bar ? "bar" : "curves")
            .Append("\" data-plot=\"").Append(_plots.Count).Append("\"><figcaption>").Append(Html(plot.Title))
            .Append("</figcaption><div class=\"legend\"></div><svg role=\"img\" aria-label=\"").Append(Html(plot.Title))
            .Append("\"></svg><div class=\"tip\" hidden></div></figure>\n");
        _plots.Add(plot);
    }

    /// <param name="isKept">Written even when there is nothing in it.</param>
    private void Element(string name, string style, string text, bool isKept = false)
    {
        if (text.Length == 0 && !isKept) return;
        _body.Append('<').Append(name);
        if (style.Length > 0) _body.Append(" class=\"").Append(style).Append('"');
        _body.Append('>').Append(Html(text)).Append("</").Append(name).Append(">\n");
    }

    private string PlotsJson()
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartArray();
            foreach (var plot in _plots) PlotJson.Write(json, plot);
            json.WriteEndArray();
        }

        return Encoding.UTF8.GetString(buffer.ToArray());
    }

    private static string Html(string text) => WebUtility.HtmlEncode(text);

    private static string Asset(string name)
    {
        using var resource = typeof(PageWriter).Assembly.GetManifestResourceStream("Reports.assets." + name);
        Sluice.Core.Check.That(resource is not null);
        using var reader = new StreamReader(resource, Encoding.UTF8);
        return reader.ReadToEnd();
    }
}
