using System.Globalization;

namespace Sluice.Simulation;

/// <summary>A ranking on a page: the table with every interval, and attainment by class as bars.</summary>
internal static class RankingSection
{
    public static void Add(PlotPage page, Ranking ranking, IReadOnlyList<(string System, string Reason)> leftOut)
    {
        var systems = ranking.Systems;
        string[] classes = [.. systems[0].Classes.Select(c => c.Name)];
        if (classes.Length < 2 || !systems.All(s => classes.SequenceEqual(s.Classes.Select(c => c.Name)))) classes = [];
        var section = page.Section("Ranking").Table(
            [
                "system", "place", "SLO met [%]", "to the first [points]", .. classes.Select(c => c + " [%]"), "goodput/s", "in time [%]",
                "smooth goodput [tokens/s]", "dropped [%]", "fair", "decisions [µs/step]",
            ],
            [
                .. systems.Select(s => (IReadOnlyList<string>)
                [
                    s.Label,
                    s.Place.ToString(CultureInfo.InvariantCulture) + (RankingTable.IsShared(ranking, s) ? "=" : ""),
                    RankingTable.Share(s.Attainment, true), RankingTable.Share(s.ToTheFirst, true),
                    .. s.Classes.Take(classes.Length).Select(c => RankingTable.Share(c.Attainment, true)),
                    Number(s.Goodput), RankingTable.Share(s.TokenDeadlines, true), Number(s.SmoothGoodput),
                    RankingTable.Share(s.Dropped, true), RankingTable.Fixed(s.Fairness.Mean, "0.000"),
                    RankingTable.Fixed(s.DecisionMicroseconds, "0.00"),
                ]),
            ]);
        foreach (var line in RankingTable.Legend(ranking)) section.Paragraph(line);
        if (leftOut.Count > 0) section.List([.. leftOut.Select(l => $"{l.System} is left out: {l.Reason}")]);
        if (classes.Length is >= 2 and <= 4) section.Plot(ByClass(systems, classes));
    }

    private static Plot ByClass(IReadOnlyList<RankedSystem> systems, string[] classes) => new()
    {
        Title = "SLO attainment by class",
        Kind = PlotKind.Bar,
        X = new("share of requests that arrived", IsShare: true, Min: 0, Max: 1),
        Y = new("system"),
        Categories = [.. systems.Select(s => s.Label)],
        Series =
        [
            .. classes.Select((name, c) => new PlotSeries(name, [.. systems.Select((s, i) => ((double)i, s.Classes[c].Attainment.Mean))])),
        ],
    };

    private static string Number(Estimate e) =>
        Figures.Number(e.Mean) + (double.IsFinite(e.HalfWidth) ? $" ±{Figures.Number(e.HalfWidth)}" : "");
}
