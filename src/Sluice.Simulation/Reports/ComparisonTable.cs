namespace Sluice.Simulation;

/// <summary>Several runs as plain text, one row each; <c>*</c> marks the best of a column. At most 120 columns
/// wide. Runs that differ in a number are held against those with the same number.</summary>
public static class ComparisonTable
{
    private const int Width = 120;
    private const int ColumnWidth = 10;

    public static void Write(IReadOnlyList<RunSummary> runs, TextWriter writer)
    {
        var differences = RunDifferences.Of(runs);
        var labels = differences.Labels;
        var labelMax = Width - Metric.Key.Count * ColumnWidth;
        var labelWidth = Math.Min(labelMax, labels.Append("run").Max(l => l.Length + 1));

        Row(writer, "run", Metric.Key.Select(m => m.Name + " "), labelWidth);
        writer.Write(new string('-', labelWidth + Metric.Key.Count * ColumnWidth) + "\n");
        foreach (var (i, run) in runs.Index())
        {
            Row(writer, labels[i], Metric.Key.Select(m => Cell(m, run, m.IsBest(runs, differences, i))), labelWidth);
        }

        writer.Write(differences.Axis is { } axis ? $"* best at its {axis}. Latencies" : "* best of the column. Latencies");
        writer.Write(" over finished requests; SLO met over all that arrived.\n");
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
