namespace Sluice.Simulation;

/// <summary>Several runs as plain text, one row each; <c>*</c> marks the best of a column. Runs that differ in a number are
/// held against those with the same number. Where the width is short, the figures that tell least are left out.</summary>
public static class ComparisonTable
{
    private const int UsualWidth = 120;
    private const int ColumnWidth = 10;
    private const int LabelWidthMax = 44;

    /// <summary>In the order in which figures are left out; the others always stay.</summary>
    private static readonly string[] s_spare = ["requests", "TPOT p50", "out tok/s", "TTFT p50", "E2E p99"];

    public static void Write(IReadOnlyList<RunSummary> runs, TextWriter writer, int width = UsualWidth)
    {
        var differences = RunDifferences.Of(runs);
        var labels = differences.Labels;
        var wanted = Math.Min(LabelWidthMax, labels.Append("run").Max(l => l.Length + 1));
        var metrics = Metric.Key.ToList();
        foreach (var spare in s_spare)
            if (wanted + metrics.Count * ColumnWidth > width) metrics.RemoveAll(m => m.Name == spare);
        var labelWidth = Math.Max(4, Math.Min(wanted, width - metrics.Count * ColumnWidth));

        Row(writer, "run", metrics.Select(m => m.Name + " "), labelWidth);
        writer.Write(new string('-', labelWidth + metrics.Count * ColumnWidth) + "\n");
        foreach (var (i, run) in runs.Index())
        {
            Row(writer, labels[i], metrics.Select(m => Cell(m, run, m.IsBest(runs, differences, i))), labelWidth);
        }

        var hasRivals = differences.AxisValues.Distinct().Count() < runs.Count;
        writer.Write(differences.Axis is { } axis && hasRivals ? $"* best at its {axis}." : "* best of the column.");
        writer.Write(" Latencies: finished requests. SLO met: all that arrived.\n");
    }

    private static string Cell(Metric metric, RunSummary run, bool isBest) =>
        metric.Format(metric.Value(run)) + (isBest ? "*" : " ");

    private static void Row(TextWriter writer, string label, IEnumerable<string> cells, int labelWidth)
    {
        writer.Write(TextLines.Cut(label, labelWidth - 1).PadRight(labelWidth));
        foreach (var cell in cells) writer.Write(cell.PadLeft(ColumnWidth));
        writer.Write("\n");
    }
}
