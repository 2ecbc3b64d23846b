using System.Globalization;
using Sluice.Simulation;

namespace Sluice.Cli;

/// <summary>report.html of a reproduction: the claims, the rule by which they agree, and its own sections.</summary>
public static class ReproductionPage
{
    public static PlotPage Make(IReproduction reproduction, ReproductionResult result, bool isSmall)
    {
        var page = new PlotPage(reproduction.Title) { Subtitle = reproduction.About, Badge = isSmall ? "simulated, small" : "simulated" };
        AddClaims(page.Section("Claims"), reproduction, result, isSmall);
        foreach (var section in result.Sections) page.Add(section);
        AddRules(page, result.Rows);
        return page;
    }

    /// <summary>Every system's claims on one page; plots and tables are on the pages of their own.</summary>
    public static PlotPage MakeAll(
        IReadOnlyList<(IReproduction Reproduction, ReproductionResult Result)> results, bool isSmall)
    {
        var page = new PlotPage("Published systems, reproduced")
        {
            Subtitle = "The claims of each paper beside what comes out here, on one set of defaults.",
            Badge = isSmall ? "simulated, small" : "simulated",
        };
        page.Section("Overview").Table(
            ["system", "rows that agree", "rows"],
            [.. results.Select(r => (IReadOnlyList<string>)
            [
                r.Reproduction.Name,
                r.Result.Rows.Count(w => w.Agrees).ToString(CultureInfo.InvariantCulture),
                r.Result.Rows.Count.ToString(CultureInfo.InvariantCulture),
            ]).Append(
            [
                "all", results.Sum(r => r.Result.Rows.Count(w => w.Agrees)).ToString(CultureInfo.InvariantCulture),
                results.Sum(r => r.Result.Rows.Count).ToString(CultureInfo.InvariantCulture),
            ])]);
        foreach (var (reproduction, result) in results)
        {
            var section = page.Section(reproduction.Name).Paragraph(reproduction.Title).Paragraph(reproduction.About);
            AddClaims(section, reproduction, result, isSmall);
        }

        AddRules(page, results.SelectMany(r => r.Result.Rows));
        return page;
    }

    private static void AddRules(PlotPage page, IEnumerable<ReproductionRow> rows)
    {
        page.Section("How the paper's side of a row is known").List([.. PaperFigure.Legend(rows.Select(r => r.Paper))]);
        page.Section("When a row agrees").List(Agreement.Rules);
    }

    private static void AddClaims(PageSection section, IReproduction reproduction, ReproductionResult result, bool isSmall)
    {
        section.Paragraph(
            $"{result.Rows.Count(r => r.Agrees)} of {result.Rows.Count} rows agree. Repeat with: sluice reproduce {reproduction.Name}"
            + (isSmall ? " --small" : ""));
        section.Claims([.. result.Rows.Select(r => new PageClaim(r.Claim, r.Paper.ToString(), r.Ours, r.Agrees, r.Note))]);
    }
}
