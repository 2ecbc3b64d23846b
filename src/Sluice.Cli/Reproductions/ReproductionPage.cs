using Sluice.Simulation;

namespace Sluice.Cli;

/// <summary>report.html of a reproduction: the claims, the rule by which they agree, and its own sections.</summary>
public static class ReproductionPage
{
    public static PlotPage Make(IReproduction reproduction, ReproductionResult result, bool isSmall)
    {
        var page = new PlotPage(reproduction.Title) { Subtitle = reproduction.About, Badge = isSmall ? "simulated, small" : "simulated" };
        var claims = page.Section("Claims");
        claims.Paragraph(
            $"{result.Rows.Count(r => r.Agrees)} of {result.Rows.Count} rows agree. Repeat with: sluice reproduce {reproduction.Name}"
            + (isSmall ? " --small" : ""));
        claims.Claims([.. result.Rows.Select(r => new PageClaim(r.Claim, r.Paper, r.Ours, r.Agrees, r.Note))]);
        foreach (var section in result.Sections) page.Add(section);
        page.Section("When a row agrees").List(Agreement.Rules);
        return page;
    }
}
