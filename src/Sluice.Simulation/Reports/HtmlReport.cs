namespace Sluice.Simulation;

/// <summary>report.html: one run in full, or several runs side by side, as one file that needs nothing else.</summary>
public static class HtmlReport
{
    /// <param name="runs">At least one.</param>
    /// <param name="verb">Command of <c>sluice</c> that repeats a run.</param>
    public static void Write(IReadOnlyList<RunSummary> runs, Stream stream, string verb = "simulate")
    {
        Sluice.Core.Check.That(runs.Count > 0);
        var page = runs.Count == 1 ? SingleRunPage.Make(runs[0], verb) : ComparisonPage.Make(runs, verb);
        page.Write(stream);
    }

    /// <param name="runs">Of the ranking's first seed.</param>
    public static void Write(
        Ranking ranking, IReadOnlyList<RunSummary> runs, IReadOnlyList<(string System, string Reason)> leftOut, Stream stream) =>
        ComparisonPage.Make(runs, "simulate", ranking, leftOut).Write(stream);

    public static void Write(IReadOnlyList<RunResult> runs, Stream stream, string verb = "simulate") =>
        Write([.. runs.Select(r => RunSummary.Of(r))], stream, verb);
}
