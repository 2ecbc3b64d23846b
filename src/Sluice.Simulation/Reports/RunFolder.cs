using System.Globalization;

namespace Sluice.Simulation;

/// <summary>Everything about one or several runs in a folder.</summary>
/// <remarks>One run: run.json, result.json, requests.csv, timeseries.csv, trace.json, report.html. Several: the same in one
/// sub-folder per run, and comparison.json, comparison.txt and report.html over all of them. Files of the same names are
/// replaced, each when it is complete; nothing else in the folder is touched.</remarks>
public static class RunFolder
{
    private const int NameLengthMax = 60;

    /// <param name="runs">At least one.</param>
    /// <param name="peakMemoryMegabytes">Of the process, if the caller knows it.</param>
    /// <param name="verb">Command of <c>sluice</c> that repeats a run.</param>
    /// <param name="traceRequestsMax">Requests drawn in trace.json.</param>
    /// <param name="stop">Looked at before each file.</param>
    /// <returns>The summaries, in the order of the runs.</returns>
    /// <exception cref="OperationCanceledException">Files are missing, but none is half written.</exception>
    public static IReadOnlyList<RunSummary> Write(
        string folder, IReadOnlyList<RunResult> runs, double peakMemoryMegabytes = double.NaN, string verb = "simulate",
        int traceRequestsMax = 5000, CancellationToken stop = default)
    {
        Sluice.Core.Check.That(runs.Count > 0);
        RunSummary[] summaries = [.. runs.Select(r => RunSummary.Of(r, peakMemoryMegabytes))];
        if (runs.Count == 1)
        {
            WriteRun(folder, runs[0], summaries[0], verb, traceRequestsMax, stop);
            return summaries;
        }

        var labels = RunDifferences.Of(summaries).Labels;
        for (var i = 0; i < runs.Count; i++)
            WriteRun(Path.Combine(folder, NameOf(i, labels[i])), runs[i], summaries[i], verb, traceRequestsMax, stop);

        WriteFile(folder, "comparison.json", s => RunJson.Write(summaries, s), stop);
        WriteFile(folder, "comparison.txt", s =>
        {
            using var writer = new StreamWriter(s);
            ComparisonTable.Write(summaries, writer);
        }, stop);
        WriteFile(folder, "report.html", s => HtmlReport.Write(summaries, s, verb), stop);
        return summaries;
    }

    /// <summary>A ranking over several seeds: comparison.json with every run, ranking.txt and report.html; and the folders of
    /// the runs of its first seed.</summary>
    /// <param name="runs">At the first seed, one per system, in the order given.</param>
    public static void Write(
        string folder, Ranking ranking, IReadOnlyList<RunResult> runs, IReadOnlyList<RunSummary> all,
        IReadOnlyList<(string System, string Reason)> leftOut, CancellationToken stop = default)
    {
        RunSummary[] summaries = [.. runs.Select(r => RunSummary.Of(r))];
        var labels = RunDifferences.Of(summaries).Labels;
        for (var i = 0; i < runs.Count; i++)
            WriteRun(Path.Combine(folder, NameOf(i, labels[i])), runs[i], summaries[i], "simulate", 5000, stop);

        WriteFile(folder, "comparison.json", s => RunJson.Write(ranking, all, leftOut, s), stop);
        WriteFile(folder, "ranking.txt", s =>
        {
            using var writer = new StreamWriter(s);
            RankingTable.Write(ranking, writer, width: 160);
        }, stop);
        WriteFile(folder, "report.html", s => HtmlReport.Write(ranking, summaries, leftOut, s), stop);
    }

    /// <summary>Safe on every file system: place and label, anything unusual in it replaced by a dash.</summary>
    internal static string NameOf(int place, string label)
    {
        var name = string.Concat(label.Select(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' ? char.ToLowerInvariant(c) : '-'));
        while (name.Contains("--", StringComparison.Ordinal)) name = name.Replace("--", "-", StringComparison.Ordinal);
        name = name.Length > NameLengthMax ? name[..NameLengthMax] : name;
        return $"{(place + 1).ToString("00", CultureInfo.InvariantCulture)}-{name.Trim('-', '.')}";
    }

    private static void WriteRun(
        string folder, RunResult run, RunSummary summary, string verb, int traceRequestsMax, CancellationToken stop)
    {
        WriteFile(folder, "run.json", s => RunConfig.Write(run.Settings, s), stop);
        WriteFile(folder, "result.json", s => RunJson.Write(summary, s), stop);
        WriteFile(folder, "requests.csv", s => RequestsCsv.Write(run, s), stop);
        WriteFile(folder, "timeseries.csv", s => TimeSeriesCsv.Write(run.Series, s), stop);
        WriteFile(folder, "trace.json", s => ChromeTrace.Write(run, s, traceRequestsMax), stop);
        WriteFile(folder, "report.html", s => HtmlReport.Write([summary], s, verb), stop);
    }

    private static void WriteFile(string folder, string name, Action<Stream> write, CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        Directory.CreateDirectory(folder);
        var path = Path.Combine(folder, name);
        try
        {
            using (var file = File.Create(path + ".part")) write(file);
            File.Move(path + ".part", path, overwrite: true);
        }
        finally
        {
            File.Delete(path + ".part");
        }
    }
}
