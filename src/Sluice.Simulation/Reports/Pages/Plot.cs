namespace Sluice.Simulation;

/// <summary>How the series of a plot are drawn. Bars lie on their side, one group per category.</summary>
public enum PlotKind { Line, Scatter, Bar }

/// <param name="Title">With unit: <c>TTFT [ms]</c>.</param>
/// <param name="IsLog">Values that are not positive are then drawn at the edge.</param>
/// <param name="IsShare">Values are shares, 0 to 1, and written as percentages.</param>
/// <param name="Min">Null to choose by the data; a linear vertical axis then begins at 0.</param>
/// <param name="Max">Null to choose by the data.</param>
public sealed record PlotAxis(
    string Title, bool IsLog = false, bool IsShare = false, double? Min = null, double? Max = null);

/// <summary>One curve, cloud or set of bars.</summary>
/// <param name="Points">In the order they are joined. For bars, X is the index of the category.</param>
public sealed record PlotSeries(string Name, IReadOnlyList<(double X, double Y)> Points)
{
    /// <summary>Stands behind the name in the legend, not in the tooltip.</summary>
    public string Detail { get; init; } = "";

    /// <summary>Place in the palette; null takes the place in the plot, -1 the colour of text.</summary>
    public int? Color { get; init; }

    public bool IsDashed { get; init; }

    /// <summary>Dots on each point, for curves of few points.</summary>
    public bool HasDots { get; init; }

    /// <summary>Points to stand out on the curve, each with its text for the tooltip.</summary>
    public IReadOnlyList<(double X, double Y, string Label)> Marks { get; init; } = [];
}

/// <summary>A line across the plot at one value: a promise, a target.</summary>
/// <param name="IsVertical">At a value of the horizontal axis.</param>
/// <param name="Color">As in <see cref="PlotSeries.Color"/>.</param>
public sealed record PlotRule(double At, string Label, bool IsVertical = true, int Color = -1);

/// <summary>One figure of a page: what to draw, not how.</summary>
public sealed record Plot
{
    public required string Title { get; init; }
    public PlotKind Kind { get; init; } = PlotKind.Line;
    public required PlotAxis X { get; init; }

    /// <summary>For bars, the axis of the categories; only its title is used.</summary>
    public required PlotAxis Y { get; init; }
    public required IReadOnlyList<PlotSeries> Series { get; init; }
    public IReadOnlyList<PlotRule> Rules { get; init; } = [];

    /// <summary>Names of the groups of bars.</summary>
    public IReadOnlyList<string> Categories { get; init; } = [];
}
