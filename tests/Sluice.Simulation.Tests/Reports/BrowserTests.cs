using System.Text.RegularExpressions;
using Sluice.Core;

namespace Sluice.Simulation.Tests;

/// <summary>The scripts of a page run to their end in a real browser and leave drawn plots.</summary>
public sealed class BrowserTests
{
    [BrowserFact]
    public void Every_plot_of_one_run_is_drawn() => AllDrawn(HtmlReport([MadeUpRun.Make(requests: 600)]), plots: 7);

    [BrowserFact]
    public void Every_plot_of_a_sweep_is_drawn() =>
        AllDrawn(HtmlReport([.. new[] { 4, 8, 16 }.Select(rate => MadeUpRun.Make(rate: rate, requests: 400))]), plots: 7);

    [BrowserFact]
    public void Every_plot_of_a_comparison_is_drawn() =>
        AllDrawn(HtmlReport([MadeUpRun.Make("a", requests: 400), MadeUpRun.Make("b", requests: 400)]), plots: 9);

    [BrowserFact]
    public void Hostile_names_stop_no_script() =>
        AllDrawn(HtmlReport([MadeUpRun.Make("</script><b>", requests: 300, classes: ["<svg onload=1>", "\u2028"])]), plots: 7);

    [BrowserFact]
    public void A_run_in_which_nothing_finished_draws_empty_axes() =>
        AllDrawn(HtmlReport([new TinyRun().Lost(0, Outcome.Rejected).Make()]), plots: 7);

    private static string HtmlReport(RunResult[] runs) => HtmlReportTests.Html(runs);

    private static void AllDrawn(string html, int plots)
    {
        var page = Chromium.Render(html);

        Assert.Contains($"data-drawn=\"{plots}\"", page, StringComparison.Ordinal);
        Assert.Equal(plots, Regex.Count(page, "<svg role=\"img\"[^>]* viewBox="));
        Assert.DoesNotContain("NaN", page[page.IndexOf("<figure", StringComparison.Ordinal)..page.IndexOf("id=\"plots\"", StringComparison.Ordinal)], StringComparison.Ordinal);
    }
}
