namespace Sluice.Simulation;

/// <summary>One self-contained HTML page of titled sections with paragraphs, tables and plots. It loads nothing from
/// anywhere and opens from a file.</summary>
/// <remarks>All texts are plain text; nothing given to a page is taken for markup.</remarks>
public sealed class PlotPage(string title)
{
    private readonly List<PageSection> _sections = [];

    public string Title { get; } = title;

    /// <summary>One line below the title.</summary>
    public string Subtitle { get; init; } = "";

    /// <summary>A word beside the title that says what kind of numbers these are: <c>simulated</c>.</summary>
    public string Badge { get; init; } = "";

    public IReadOnlyList<PageSection> Sections => _sections;

    /// <summary>Adds a section at the end and returns it to be filled.</summary>
    public PageSection Section(string heading)
    {
        var section = new PageSection(heading);
        _sections.Add(section);
        return section;
    }

    /// <summary>Adds a section made elsewhere at the end.</summary>
    public void Add(PageSection section) => _sections.Add(section);

    public void Write(Stream stream) => new PageWriter(stream).Write(this);
}
