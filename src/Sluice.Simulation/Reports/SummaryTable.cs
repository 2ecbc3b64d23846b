namespace Sluice.Simulation;

/// <summary>One run as plain text in the shape of <c>vllm bench serve</c>, so that both can be read side by
/// side.</summary>
public static class SummaryTable
{
    /// <summary>Columns of text; labels take 40 of them.</summary>
    private const int Width = 56;
    private const int LabelWidth = 40;

    public static void Write(RunSummary run, TextWriter writer)
    {
        Rule(writer, " Serving Benchmark Result ", '=');
        Text(writer, "System:", run.System);
        Text(writer, "Workload:", run.Workload);
        Text(writer, "Engines / devices:", $"{run.Engines} / {run.Devices}");
        Line(writer, "Successful requests:", Figures.Count(run.All.Finished));
        Line(writer, "Failed requests:", Figures.Count(run.All.Failed));
        Line(writer, "Rejected requests:", Figures.Count(run.All.Rejected));
        Line(writer, "Cancelled requests:", Figures.Count(run.All.Cancelled));
        Line(writer, "Unfinished requests:", Figures.Count(run.All.Unfinished));
        Line(writer, "Benchmark duration, virtual (s):", Figures.TwoDecimals(run.VirtualSeconds));
        Line(writer, "Total input tokens:", Figures.Count(run.All.PromptTokens));
        Line(writer, "Total generated tokens:", Figures.Count(run.All.OutputTokens));
        Line(writer, "Request throughput (req/s):", Figures.TwoDecimals(run.RequestsPerSecond));
        Line(writer, "Request goodput (req/s):", Figures.TwoDecimals(run.Goodput));
        Line(writer, "Output token throughput (tok/s):", Figures.TwoDecimals(run.OutputTokensPerSecond));
        Line(writer, "Output token goodput (tok/s):", Figures.TwoDecimals(run.GoodputTokensPerSecond));
        Line(writer, "Smooth goodput (tok/s):", Figures.TwoDecimals(run.SmoothGoodput));

        Latency(writer, "Time to First Token", "TTFT", run.All.Ttft);
        Latency(writer, "Time per Output Token (excl. 1st token)", "TPOT", run.All.Tpot);
        Latency(writer, "Inter-token Latency", "ITL", run.Itl);
        Latency(writer, "End-to-end Latency", "E2EL", run.All.E2e);
        Latency(writer, "Queue Wait", "wait", run.All.Queue);

        Rule(writer, "SLO Attainment", '-');
        Line(writer, "All requests:", run.All.Slo == Core.Slo.BestEffort ? "nothing promised" : Figures.Share(run.All.SloAttainment));
        Line(writer, "Every token in time for a reader:", Figures.Share(run.All.SmoothShare));
        Line(writer, "Mean idle time of a reader (s):", Figures.TwoDecimals(run.All.IdleSeconds));
        if (run.Classes.Count > 1)
            foreach (var c in run.Classes)
                Line(writer, $"{c.Name} (n = {Figures.Count(c.Requests)}):", Figures.Share(c.SloAttainment));
        if (run.Tenants.Count > 1) Line(writer, "Tenant fairness (Jain):", Figures.Number(run.TenantFairness));

        Rule(writer, "Run", '-');
        Line(writer, "Preemptions:", Figures.Count(run.Preemptions));
        if (run.Evictions > 0) Line(writer, "Evictions:", Figures.Count(run.Evictions));
        if (run.ModelLoads > 0) Line(writer, "Model loads:", Figures.Count(run.ModelLoads));
        Line(writer, "Iterations:", Figures.Count(run.Iterations));
        Line(writer, "Wall-clock time (s):", Figures.TwoDecimals(run.WallSeconds));
        Line(writer, "Simulated requests per wall second:", Figures.Number(run.RequestsPerWallSecond));
        if (double.IsFinite(run.PeakMemoryMegabytes))
            Line(writer, "Peak memory (MB):", Figures.Number(run.PeakMemoryMegabytes));
        Line(writer, "Fingerprint:", run.Fingerprint);
        foreach (var note in run.Notes) Note(writer, note);
        writer.Write(new string('=', Width) + "\n");
    }

    private static void Latency(TextWriter writer, string title, string name, Distribution values)
    {
        Rule(writer, title, '-');
        Line(writer, $"Mean {name} (ms):", Figures.TwoDecimals(values.Mean));
        Line(writer, $"Median {name} (ms):", Figures.TwoDecimals(values.P50));
        Line(writer, $"P90 {name} (ms):", Figures.TwoDecimals(values.P90));
        Line(writer, $"P95 {name} (ms):", Figures.TwoDecimals(values.P95));
        Line(writer, $"P99 {name} (ms):", Figures.TwoDecimals(values.P99));
    }

    private static void Rule(TextWriter writer, string title, char line)
    {
        var left = Math.Max(0, (Width - title.Length) / 2);
        writer.Write(title.PadLeft(left + title.Length, line).PadRight(Width, line) + "\n");
    }

    private static void Line(TextWriter writer, string label, string value)
    {
        writer.Write(TextLines.Cut(label, LabelWidth - 1).PadRight(LabelWidth) + value + "\n");
    }

    /// <summary>A value that may be long: on the same line when it fits, or wrapped below its label.</summary>
    private static void Text(TextWriter writer, string label, string value)
    {
        const int indent = 20;
        var rest = value;
        var head = label.PadRight(indent);
        do
        {
            var take = TextLines.Break(rest, Width - indent);
            writer.Write(head + rest[..take].TrimEnd() + "\n");
            rest = rest[take..].TrimStart();
            head = new string(' ', indent);
        }
        while (rest.Length > 0);
    }

    private static void Note(TextWriter writer, string note)
    {
        var rest = "Note: " + note;
        while (rest.Length > 0)
        {
            var take = TextLines.Break(rest, Width);
            writer.Write(rest[..take].TrimEnd() + "\n");
            rest = rest[take..].TrimStart();
            if (rest.Length > 0) rest = "  " + rest;
        }
    }
}
