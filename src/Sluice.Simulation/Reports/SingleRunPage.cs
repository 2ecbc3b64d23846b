namespace Sluice.Simulation;

/// <summary>The page of one run: what was run, key figures, latencies, the fleet over time, SLO attainment, all numbers,
/// notes.</summary>
internal static class SingleRunPage
{
    /// <summary>More curves than this in one plot cannot be told apart.</summary>
    private const int ClassesMax = 6;
    private const int TenantsMax = 20;

    public static PlotPage Make(RunSummary run, string verb)
    {
        var page = new PlotPage($"{run.System} on {run.Workload}")
        {
            Subtitle = run.WorkloadOrigin,
            Badge = "simulated",
        };
        AddHead(page, run, verb);
        AddLatencies(page, run);
        AddTime(page, run);
        AddAttainment(page, run);
        AddNumbers(page, run);
        RunTables.AddNotes(page, run.Notes);
        return page;
    }

    private static void AddHead(PlotPage page, RunSummary run, string verb)
    {
        var all = run.All;
        var lost = all.Requests - all.Finished;
        page.Section("")
            .Paragraph(
                $"{run.Engines} engine{(run.Engines == 1 ? "" : "s")} on {run.Devices} device{(run.Devices == 1 ? "" : "s")}, "
                + $"{Figures.Span(run.VirtualSeconds)} of virtual time, fingerprint {run.Fingerprint}. Repeat with:")
            .Code(RunConfig.Command(verb, run.Settings))
            .Tiles([
                new("SLO attainment", Figures.Share(all.SloAttainment),
                    $"{Figures.Count(all.Met)} of {Figures.Count(all.Requests)} requests"),
                new("Goodput", $"{Figures.Number(run.Goodput)} req/s", $"{Figures.Number(run.GoodputPerDevice)} per device"),
                new("Requests", Figures.Count(all.Requests), lost == 0 ? "all finished" : LostText(all)),
                new("Output tokens", $"{Figures.Number(run.OutputTokensPerSecond)} /s", $"{Figures.Count(all.OutputTokens)} in all"),
                new("TTFT p50", Figures.Latency(all.Ttft.P50), $"p99 {Figures.Latency(all.Ttft.P99)}"),
                new("TPOT p50", Figures.Latency(all.Tpot.P50), $"p99 {Figures.Latency(all.Tpot.P99)}"),
                new("E2E p50", Figures.Latency(all.E2e.P50), $"p99 {Figures.Latency(all.E2e.P99)}"),
                new("Queue wait p50", Figures.Latency(all.Queue.P50), $"p99 {Figures.Latency(all.Queue.P99)}"),
                new("Preemptions", Figures.Count(run.Preemptions), $"in {Figures.Count(run.Iterations)} iterations"),
                new("Simulated in", Figures.Span(run.WallSeconds), $"{Figures.Number(run.RequestsPerWallSecond)} requests/s"),
            ]);
    }

    private static string LostText(GroupSummary all)
    {
        (string Name, long Count)[] ways =
        [
            ("rejected", all.Rejected), ("failed", all.Failed), ("cancelled", all.Cancelled), ("unfinished", all.Unfinished),
        ];
        return string.Join(", ", ways.Where(w => w.Count > 0).Select(w => $"{Figures.Count(w.Count)} {w.Name}"));
    }

    private static void AddLatencies(PlotPage page, RunSummary run)
    {
        page.Section("Latencies")
            .Plot(LatencyPlots.Make("Time to first token", "TTFT", Curves(run, g => g.Ttft, s => s.Ttft)))
            .Plot(LatencyPlots.Make("Time per output token", "TPOT", Curves(run, g => g.Tpot, s => s.Tpot)))
            .Plot(LatencyPlots.Make("End-to-end latency", "E2E", Curves(run, g => g.E2e, s => s.E2e)))
            .Paragraph(
                "Share of finished requests at or below a latency; circles mark p50 and p99, dashed lines the promises (SLO). "
                + "All latencies count from arrival.");
    }

    private static LatencyPlots.Curve[] Curves(
        RunSummary run, Func<GroupSummary, Distribution> values, Func<Sluice.Core.Slo, TimeSpan> promise)
    {
        LatencyPlots.Curve CurveOf(GroupSummary group, int color) =>
            new(group.Name, values(group), LatencyPlots.Milliseconds(group.Slo is { } slo ? promise(slo) : null), color);

        GroupSummary[] classes = [.. run.Classes.Where(c => c.Requests > 0)];
        if (classes.Length == 1) return [CurveOf(classes[0], 0)];
        if (classes.Length > ClassesMax) return [CurveOf(run.All, -1)];
        return [.. classes.Select(CurveOf), CurveOf(run.All with { Slo = null }, -1) with { IsDashed = true }];
    }

    private static void AddTime(PlotPage page, RunSummary run)
    {
        var section = page.Section("The fleet over time");
        var plots = SeriesPlots.Make(run.Series).ToArray();
        foreach (var plot in plots) section.Plot(plot);
        if (plots.Length == 0) section.Paragraph("The run was too short to sample.");
    }

    private static void AddAttainment(PlotPage page, RunSummary run)
    {
        GroupSummary[] groups = [.. run.Classes.Where(c => c.Requests > 0)];
        if (groups.Length > 1) groups = [.. groups, run.All];
        page.Section("SLO attainment")
            .Plot(new()
            {
                Title = "Requests that met every promise",
                Kind = PlotKind.Bar,
                X = new("share of requests that arrived", IsShare: true, Min: 0, Max: 1),
                Y = new("class"),
                Categories = [.. groups.Select(g => g.Name)],
                Series = [new("SLO attainment", [.. groups.Select((g, i) => ((double)i, g.SloAttainment))])],
            })
            .Paragraph(
                "Rejected, cancelled, failed and unfinished requests count as missed. A promise that was not made is met.");
    }

    private static void AddNumbers(PlotPage page, RunSummary run)
    {
        var section = page.Section("All numbers");
        RunTables.AddLatencies(section, run);
        RunTables.AddGroups(section, "class", run.Classes);
        if (run.Tenants.Count > 1)
        {
            section.Paragraph(
                $"Fairness over tenants (Jain's index of tokens served): {Figures.Number(run.TenantFairness)}."
                + (run.Tenants.Count > TenantsMax ? $" The {TenantsMax} tenants with most requests:" : ""));
            RunTables.AddGroups(section, "tenant", [.. run.Tenants.OrderByDescending(t => t.Requests).Take(TenantsMax)]);
        }

        RunTables.AddTotals(section, run);
        if (run.Settings.Count == 0) return;
        page.Section("Settings").Table(
            ["flag", "value"], [.. run.Settings.Select(s => (IReadOnlyList<string>)["--" + s.Key, s.Value])], isText: true);
    }
}
