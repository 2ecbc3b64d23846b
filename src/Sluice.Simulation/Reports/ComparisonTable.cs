namespace Sluice.Simulation;

/// <summary>Several runs as plain text, one row each; <c>*</c> marks the best of a column. At most 120 columns
/// wide.</summary>
public static class ComparisonTable
{
    private const int Width = 120;
    private const int ColumnWidth = 10;

    public static void Write(IReadOnlyList<RunSummary> runs, TextWriter writer)
    {
        var labels = RunDifferences.Of(runs).Labels;
        var labelMax = Width - Metric.Key.Count * ColumnWidth;
        var labelWidth = Math.Min(labelMax, labels.Append("run").Max(l => l.Length + 1));

        Row(writer, "run", Metric.Key.Select(m => m.Name + " "), labelWidth);
        writer.Write(new string('-', labelWidth + Metric.Key.Count * ColumnWidth) + "\n");
        double[] best = [.. Metric.Key.Select(m => m.Best(runs))];
        for (var i = 0; i < runs.Count; i++)
        {
            var run = runs[i];
            Row(writer, labels[i], Metric.Key.Select((m, k) => Cell(m, m.Value(run), best[k])), labelWidth);
        }

        writer.Write("* best of the column. Latencies over finished requests; SLO met over all that arrived.\n");
    }

    private static string Cell(Metric metric, double value, double best) =>
        metric.Format(value) + (value == best ? "*" : " ");

    private static void Row(TextWriter writer, string label, IEnumerable<string> cells, int labelWidth)
    {
        writer.Write(TextLines.Cut(label, labelWidth - 1).PadRight(labelWidth));
        foreach (var cell in cells) writer.Write(cell.PadLeft(ColumnWidth));
        writer.Write("\n");
    }
}
