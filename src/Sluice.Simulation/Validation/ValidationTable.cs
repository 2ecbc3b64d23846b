using System.Globalization;

namespace Sluice.Simulation;

/// <summary>Writes a validation as aligned plain text: a table per set with a line per run and statistic, what was not
/// simulated, and the errors in sum.</summary>
internal static class ValidationTable
{
    private static readonly LatencyMetric[] s_metrics = Enum.GetValues<LatencyMetric>();

    public static void Write(ValidationReport report, TextWriter output)
    {
        foreach (var set in report.Rows.GroupBy(r => r.Set))
        {
            output.WriteLine(set.Key);
            foreach (var origin in report.Origins.Where(o => o.Key == set.Key)) WriteWrapped(output, origin.Value, "  ");
            output.WriteLine();
            WriteRows(output, [.. set]);
            WriteProfiles(output, [.. set]);
            output.WriteLine();
        }

        WriteNotSimulated(report, output);
        WriteSummary(report, output);
    }

    private static void WriteRows(TextWriter output, IReadOnlyList<ValidationRow> rows)
    {
        var metrics = s_metrics.Where(m => rows.Any(r => r.Metric == m)).ToArray();
        List<string[]> lines =
        [
            ["  run", "", .. metrics.SelectMany(m => new[] { $"{Word(m)} [ms]", "simulated", "error" })],
        ];
        foreach (var line in rows.GroupBy(r => (r.Run, r.Statistic)))
        {
            List<string> cells = [$"  {line.Key.Run}{(line.First().IsInSample ? " *" : "")}", Word(line.Key.Statistic)];
            foreach (var metric in metrics)
                cells.AddRange(line.FirstOrDefault(r => r.Metric == metric) is { } row
                    ? [Milliseconds(row.Measured), Milliseconds(row.Simulated), Percent(row.ErrorPercent)]
                    : ["", "", ""]);
            lines.Add([.. cells]);
        }

        WriteAligned(output, lines, leftColumns: 2);
        if (rows.Any(r => r.IsInSample))
            output.WriteLine("  * the profile was made with this run in view: no independent check.");
    }

    private static void WriteProfiles(TextWriter output, IReadOnlyList<ValidationRow> rows)
    {
        foreach (var (name, origin) in rows.Select(r => (r.Profile, r.ProfileOrigin)).Distinct())
            WriteWrapped(output, $"{name}: {origin}", "  ");
    }

    private static void WriteNotSimulated(ValidationReport report, TextWriter output)
    {
        if (report.NotSimulated.Count == 0) return;

        output.WriteLine("not simulated");
        var lines = report.NotSimulated.GroupBy(n => (n.Set, n.Reason)).OrderBy(g => g.Key.Set, StringComparer.Ordinal)
            .ThenByDescending(g => g.Count()).ThenBy(g => g.Key.Reason, StringComparer.Ordinal)
            .Select(g => new[] { $"  {g.Key.Set}", g.Key.Reason, g.Count() == 1 ? g.First().Run : Count(g.Count()) + " runs" });
        WriteAligned(output, [.. lines], leftColumns: 3);
        output.WriteLine();
    }

    private static void WriteSummary(ValidationReport report, TextWriter output)
    {
        output.WriteLine("errors in sum");
        List<string[]> lines = [["  set", "metric", "runs", "mean error", "mean size of error", "worst"]];
        foreach (var s in report.Summaries.Where(s => s.Statistic == LatencyStatistic.Mean))
            lines.Add(
            [
                $"  {s.Set}", $"{Word(s.Metric)} {Word(s.Statistic)}", Count(s.Runs),
                Percent(s.Bias), Size(s.MeanAbsolute), Percent(s.Worst),
            ]);
        WriteAligned(output, lines, leftColumns: 2);
    }

    private static void WriteAligned(TextWriter output, List<string[]> lines, int leftColumns)
    {
        if (lines.Count == 0) return;
        var widths = lines[0].Select((_, column) => lines.Max(l => l[column].Length)).ToArray();
        foreach (var line in lines)
        {
            var cells = line.Select((cell, i) => i < leftColumns ? cell.PadRight(widths[i]) : cell.PadLeft(widths[i]));
            output.WriteLine(string.Join("  ", cells).TrimEnd());
        }
    }

    private static void WriteWrapped(TextWriter output, string text, string indent)
    {
        const int Columns = 110;
        var line = indent;
        foreach (var word in text.Split(' '))
        {
            if (line.Length > indent.Length && line.Length + 1 + word.Length > Columns)
            {
                output.WriteLine(line);
                line = indent;
            }

            line += line.Length > indent.Length ? " " + word : word;
        }

        output.WriteLine(line);
    }

    private static string Word(LatencyMetric metric) => metric == LatencyMetric.E2e ? "E2E" : metric.ToString().ToUpperInvariant();
    private static string Word(LatencyStatistic statistic) => statistic.ToString().ToLowerInvariant();
    private static string Count(int n) => n.ToString("N0", CultureInfo.InvariantCulture);
    private static string Milliseconds(double ms) => ms.ToString(ms < 1000 ? "N2" : "N0", CultureInfo.InvariantCulture);
    private static string Percent(double percent) => percent.ToString("+0.0;-0.0;0.0", CultureInfo.InvariantCulture) + " %";
    private static string Size(double percent) => percent.ToString("0.0", CultureInfo.InvariantCulture) + " %";
}
