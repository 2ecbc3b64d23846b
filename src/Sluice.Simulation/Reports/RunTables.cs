namespace Sluice.Simulation;

/// <summary>Tables of a run's figures, and the notes, for pages.</summary>
internal static class RunTables
{
    public static void AddLatencies(PageSection section, RunSummary run) =>
        section.Table(
            ["latency [ms]", "mean", "p50", "p90", "p95", "p99", "max", "values"],
            [
                Row("TTFT", run.All.Ttft), Row("TPOT", run.All.Tpot), Row("ITL (within 0.2 %)", run.Itl),
                Row("E2E", run.All.E2e), Row("queue wait", run.All.Queue),
            ]);

    public static void AddGroups(PageSection section, string kind, IReadOnlyList<GroupSummary> groups) =>
        section.Table(
            [
                kind, "requests", "finished", "rejected", "promise", "SLO met", "TTFT p50", "TTFT p99", "TPOT p50", "TPOT p99",
                "E2E p50", "E2E p99", "output tokens",
            ],
            [.. groups.Select(Row)]);

    public static void AddTotals(PageSection section, RunSummary run) =>
        section.Table(
            ["total", "value"],
            [
                ["requests per second", Figures.Number(run.RequestsPerSecond)],
                ["goodput [requests/s]", Figures.Number(run.Goodput)],
                ["goodput [output tokens/s]", Figures.Number(run.GoodputTokensPerSecond)],
                ["smooth goodput [tokens/s]", Figures.Number(run.SmoothGoodput)],
                ["answers with every token in time for a reader", Figures.Share(run.All.SmoothShare)],
                ["idle time of a reader, mean", Figures.Span(run.All.IdleSeconds)],
                ["output tokens per second", Figures.Number(run.OutputTokensPerSecond)],
                ["normalised latency, mean [ms per output token]", Figures.Number(run.All.NormalizedLatency * 1000)],
                ["prompt tokens of finished requests", Figures.Count(run.All.PromptTokens)],
                ["prompt tokens computed, recomputation included", Figures.Count(run.PrefillTokens)],
                ["prompt tokens from the prefix cache", Figures.Count(run.CachedPromptTokens)],
                ["output tokens", Figures.Count(run.All.OutputTokens)],
                ["preemptions", Figures.Count(run.Preemptions)],
                ["iterations", Figures.Count(run.Iterations)],
                ["virtual time", Figures.Span(run.VirtualSeconds)],
                ["wall-clock time of the event loop", Figures.Span(run.WallSeconds)],
                ["peak memory [MB]", Figures.Number(run.PeakMemoryMegabytes)],
            ]);

    public static void AddNotes(PlotPage page, IReadOnlyList<string> notes) =>
        page.Section("Notes").List([
            "Simulated: the scheduler's decisions are real, the time of each engine step comes from a model of the device.",
            .. notes,
            "Percentiles are exact by nearest rank over finished requests; those of ITL come from a histogram. Rates divide by "
            + "the virtual duration of the whole run.",
        ]);

    private static IReadOnlyList<string> Row(string name, Distribution d) =>
    [
        name, Figures.TwoDecimals(d.Mean), Figures.TwoDecimals(d.P50), Figures.TwoDecimals(d.P90), Figures.TwoDecimals(d.P95),
        Figures.TwoDecimals(d.P99), Figures.TwoDecimals(d.Max), Figures.Count(d.Count),
    ];

    private static IReadOnlyList<string> Row(GroupSummary g) =>
    [
        g.Name, Figures.Count(g.Requests), Figures.Count(g.Finished), Figures.Count(g.Rejected), PromiseOf(g),
        Figures.Share(g.SloAttainment), Figures.Latency(g.Ttft.P50), Figures.Latency(g.Ttft.P99), Figures.Latency(g.Tpot.P50),
        Figures.Latency(g.Tpot.P99), Figures.Latency(g.E2e.P50), Figures.Latency(g.E2e.P99), Figures.Count(g.OutputTokens),
    ];

    private static string PromiseOf(GroupSummary group)
    {
        if (group.Slo is not { } slo) return group.Requests == 0 ? "-" : "differs";

        (string Name, TimeSpan Span)[] promises = [("TTFT", slo.Ttft), ("TPOT", slo.Tpot), ("E2E", slo.E2e)];
        var made = promises.Where(p => p.Span != TimeSpan.MaxValue)
            .Select(p => $"{p.Name} {Figures.Latency(p.Span.TotalMilliseconds)}").ToArray();
        return made.Length == 0 ? "none" : string.Join(", ", made);
    }
}
