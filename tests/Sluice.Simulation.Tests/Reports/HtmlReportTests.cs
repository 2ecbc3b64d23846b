using System.Text.RegularExpressions;

namespace Sluice.Simulation.Tests;

public sealed partial class HtmlReportTests
{
    private const string Hostile = "</script><img src=x onerror=alert(1)>{{plots}}\"'&";

    public static TheoryData<int> Counts => [1, 3];

    [Theory, MemberData(nameof(Counts))]
    public void The_page_loads_nothing(int runs)
    {
        var html = Html([.. Enumerable.Range(0, runs).Select(i => MadeUpRun.Make($"system {i}", requests: 300))]);

        Assert.DoesNotContain("http:", html, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("https:", html, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotMatch(Loading(), html);
        Assert.Contains("default-src 'none'", html, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Counts))]
    public void Text_from_outside_is_never_markup(int runs)
    {
        var html = Html([
            .. Enumerable.Range(0, runs).Select(i => MadeUpRun.Make(
                $"{i}{Hostile}", requests: 300, classes: [Hostile, "b"], notes: [Hostile], workload: Hostile)),
        ]);

        Assert.DoesNotContain("<img", html, StringComparison.OrdinalIgnoreCase);
        Assert.Equal(2, EndOfScript().Count(html));
        Assert.Equal(2, BeginOfScript().Count(html));
    }

    [Fact]
    public void A_page_of_one_run_says_what_was_run_and_how_to_repeat_it()
    {
        var run = MadeUpRun.Make(requests: 300);
        var html = Html([run]);

        Assert.Contains("vllm-v1 on azure2023_conv", html, StringComparison.Ordinal);
        Assert.Contains(RunSummary.Of(run).Fingerprint, html, StringComparison.Ordinal);
        Assert.Contains("sluice simulate --system vllm-v1 --workload azure2023_conv", html, StringComparison.Ordinal);
        Assert.All(run.Notes, note => Assert.Contains(note, html, StringComparison.Ordinal));
    }

    [Fact]
    public void A_sweep_is_plotted_over_the_rate()
    {
        var html = Html([.. new[] { 4, 8, 12 }.Select(rate => MadeUpRun.Make(rate: rate, requests: 300))]);

        Assert.Contains("Over rate", html, StringComparison.Ordinal);
        Assert.Contains("arrival rate [requests/s]", html, StringComparison.Ordinal);
    }

    [Fact]
    public void A_page_stays_small()
    {
        var html = Html([.. Enumerable.Range(0, 40).Select(i => MadeUpRun.Make($"system {i}", requests: 400))]);

        Assert.True(html.Length < 500_000);
    }

    [Fact]
    public void A_run_in_which_nothing_happened_still_has_a_page() =>
        Assert.Contains("SLO attainment", Html([new TinyRun().Make()]), StringComparison.Ordinal);

    internal static string Html(RunResult[] runs) => RunJsonTests.Text(s => HtmlReport.Write(runs, s));

    [GeneratedRegex("""<(link|iframe|object|embed|base)\b|\s(src|href|srcset|action)\s*=|@import|url\(""", RegexOptions.IgnoreCase)]
    private static partial Regex Loading();

    [GeneratedRegex("</script", RegexOptions.IgnoreCase)]
    private static partial Regex EndOfScript();

    [GeneratedRegex("<script", RegexOptions.IgnoreCase)]
    private static partial Regex BeginOfScript();
}
