namespace Sluice.Simulation;

/// <summary>A heading and what stands below it, in the order it was added. Plots added one after another stand side by
/// side.</summary>
/// <param name="heading">May be empty: the section then has no heading.</param>
public sealed class PageSection(string heading)
{
    private readonly List<PageBlock> _blocks = [];

    public string Heading { get; } = heading;
    internal IReadOnlyList<PageBlock> Blocks => _blocks;

    public PageSection Paragraph(string text) => Add(new ParagraphBlock(text));
    public PageSection List(IReadOnlyList<string> items) => Add(new ListBlock(items));
    public PageSection Code(string text) => Add(new CodeBlock(text));
    public PageSection Tiles(IReadOnlyList<PageTile> tiles) => Add(new TilesBlock(tiles));
    public PageSection Plot(Plot plot) => Add(new PlotBlock(plot));

    /// <summary>The first column is text, the others stand right-aligned unless <paramref name="isText"/>.</summary>
    /// <param name="best">Row and column of cells to mark as best of their column.</param>
    public PageSection Table(
        IReadOnlyList<string> header, IReadOnlyList<IReadOnlyList<string>> rows, bool isText = false,
        IReadOnlySet<(int Row, int Column)>? best = null) =>
        Add(new TableBlock(header, rows, isText, best));

    /// <summary>What a paper claims beside what came out here.</summary>
    public PageSection Claims(IReadOnlyList<PageClaim> claims) => Add(new ClaimsBlock(claims));

    private PageSection Add(PageBlock block)
    {
        _blocks.Add(block);
        return this;
    }
}

/// <summary>A key figure: what it is, its value with unit, and a word of context.</summary>
public sealed record PageTile(string Name, string Value, string Detail = "");

/// <param name="Agrees">Null when it cannot be judged.</param>
public sealed record PageClaim(string Claim, string Paper, string Ours, bool? Agrees, string Note = "");

internal abstract record PageBlock;

internal sealed record ParagraphBlock(string Text) : PageBlock;

internal sealed record ListBlock(IReadOnlyList<string> Items) : PageBlock;

internal sealed record CodeBlock(string Text) : PageBlock;

internal sealed record TilesBlock(IReadOnlyList<PageTile> Tiles) : PageBlock;

internal sealed record PlotBlock(Plot Plot) : PageBlock;

internal sealed record TableBlock(
    IReadOnlyList<string> Header, IReadOnlyList<IReadOnlyList<string>> Rows, bool IsText,
    IReadOnlySet<(int Row, int Column)>? Best) : PageBlock;

internal sealed record ClaimsBlock(IReadOnlyList<PageClaim> Claims) : PageBlock;
