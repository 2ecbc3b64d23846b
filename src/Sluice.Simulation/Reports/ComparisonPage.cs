namespace Sluice.Simulation;

/// <summary>The page of several runs: the comparison table, figures over the setting that differs (or as bars), and the
/// latencies over one another.</summary>
internal static class ComparisonPage
{
    /// <summary>Curves in one plot; with more runs, only those at one value of the axis are drawn.</summary>
    private const int CurvesMax = 8;

    /// <param name="ranking">Stands first, if there is one; the runs are then those of its first seed.</param>
    public static PlotPage Make(
        IReadOnlyList<RunSummary> runs, string verb, Ranking? ranking = null, IReadOnlyList<(string System, string Reason)>? leftOut = null)
    {
        var differences = RunDifferences.Of(runs);
        string[] systems = [.. runs.Select(r => r.System).Distinct(StringComparer.Ordinal)];
        string[] workloads = [.. runs.Select(r => r.Workload).Distinct(StringComparer.Ordinal)];
        var page = new PlotPage(
            systems.Length is > 1 and <= 4 ? string.Join(" vs ", systems) : systems.Length == 1 ? systems[0] : $"{systems.Length} systems")
        {
            Subtitle = workloads.Length > 1 ? $"{runs.Count} runs on {workloads.Length} workloads"
                : runs.All(r => r.WorkloadOrigin == runs[0].WorkloadOrigin) ? $"{workloads[0]}: {runs[0].WorkloadOrigin}"
                : $"{runs.Count} runs on {workloads[0]}, at several rates",
            Badge = "simulated",
        };
        if (ranking is not null) RankingSection.Add(page, ranking, leftOut ?? []);
        AddTable(page, runs, differences, ranking is null ? "" : $"Seed {ranking.Seeds[0]}");
        if (differences.Axis is { } axis) AddOverAxis(page, runs, differences, axis);
        else AddBars(page, runs, differences);
        AddLatencies(page, runs, differences);
        AddRepeat(page, runs, differences, verb);
        RunTables.AddNotes(page, [.. runs.SelectMany(r => r.Notes).Distinct(StringComparer.Ordinal)]);
        return page;
    }

    private static void AddTable(PlotPage page, IReadOnlyList<RunSummary> runs, RunDifferences differences, string heading)
    {
        var best = new HashSet<(int Row, int Column)>();
        for (var column = 0; column < Metric.Key.Count; column++)
            for (var row = 0; row < runs.Count; row++)
                if (Metric.Key[column].IsBest(runs, differences, row)) best.Add((row, column + 1));

        page.Section(heading).Table(
            ["run", .. Metric.Key.Select(m => m.Name), "preemptions"],
            [
                .. runs.Select((r, i) => (IReadOnlyList<string>)
                [
                    differences.Labels[i], .. Metric.Key.Select(m => m.Format(m.Value(r))), Figures.Count(r.Preemptions),
                ]),
            ],
            best: best)
            .Paragraph(
                (differences.Axis is { } axis ? $"★ best at its {axis}. " : "★ best of the column. ")
                + "Latencies are over finished requests, SLO attainment over all that arrived.");
    }

    private static void AddOverAxis(PlotPage page, IReadOnlyList<RunSummary> runs, RunDifferences differences, string axis)
    {
        var isLog = differences.AxisValues.All(v => v > 0) && differences.AxisValues.Max() > 30 * differences.AxisValues.Min();
        var x = new PlotAxis(axis == "rate" ? "arrival rate [requests/s]" : axis, IsLog: isLog);
        var perDevice = new PlotAxis("requests/s per device that met every promise");
        var share = new PlotAxis("SLO attainment", IsShare: true, Min: 0, Max: 1);
        page.Section($"Over {axis}")
            .Plot(OverAxis("SLO attainment", runs, differences, x, share, r => r.All.SloAttainment))
            .Plot(OverAxis("Goodput per device", runs, differences, x, perDevice, r => r.GoodputPerDevice))
            .Plot(OverAxis(
                "TTFT p99", runs, differences, x, LatencyAxis(runs, "TTFT p99", r => r.All.Ttft.P99), r => r.All.Ttft.P99 / 1000))
            .Plot(OverAxis("TPOT p99", runs, differences, x, new("TPOT p99 [ms]"), r => r.All.Tpot.P99));
    }

    private static PlotAxis LatencyAxis(IReadOnlyList<RunSummary> runs, string name, Func<RunSummary, double> value)
    {
        double[] values = [.. runs.Select(value).Where(v => v > 0)];
        return new($"{name} [s]", IsLog: values.Length > 0 && values.Max() > 30 * values.Min());
    }

    private static Plot OverAxis(
        string title, IReadOnlyList<RunSummary> runs, RunDifferences differences, PlotAxis x, PlotAxis y,
        Func<RunSummary, double> value)
    {
        var lines = Enumerable.Range(0, runs.Count).GroupBy(i => differences.Lines[i], StringComparer.Ordinal);
        return new()
        {
            Title = title,
            X = x,
            Y = y,
            Series =
            [
                .. lines.Select(line => new PlotSeries(
                    line.Key,
                    [.. line.Select(i => (differences.AxisValues[i], value(runs[i]))).OrderBy(p => p.Item1)])
                {
                    HasDots = true,
                }),
            ],
        };
    }

    private static void AddBars(PlotPage page, IReadOnlyList<RunSummary> runs, RunDifferences differences)
    {
        var section = page.Section("Key figures");
        section.Plot(Attainment(runs, differences));
        Bars("Goodput per device", "requests/s per device that met every promise", r => r.GoodputPerDevice);
        Bars("TTFT p99", "TTFT p99 [s]", r => r.All.Ttft.P99 / 1000);
        Bars("TPOT p99", "TPOT p99 [ms]", r => r.All.Tpot.P99);
        Bars("Throughput", "output tokens per second", r => r.OutputTokensPerSecond);
        Bars("Preemptions", "preemptions", r => r.Preemptions);

        void Bars(string title, string axis, Func<RunSummary, double> value) => section.Plot(new()
        {
            Title = title,
            Kind = PlotKind.Bar,
            X = new(axis),
            Y = new("run"),
            Categories = differences.Labels,
            Series = [new(title, [.. runs.Select((r, i) => ((double)i, value(r)))])],
        });
    }

    /// <summary>Per class when all runs have the same few classes.</summary>
    private static Plot Attainment(IReadOnlyList<RunSummary> runs, RunDifferences differences)
    {
        string[] classes = [.. runs[0].Classes.Where(c => c.Requests > 0).Select(c => c.Name)];
        var isPerClass = classes.Length is > 1 and <= 4
            && runs.All(r => classes.SequenceEqual(r.Classes.Where(c => c.Requests > 0).Select(c => c.Name)));
        PlotSeries ofAll = new("all", [.. runs.Select((r, i) => ((double)i, r.All.SloAttainment))]) { Color = isPerClass ? 6 : 0 };
        return new()
        {
            Title = "SLO attainment",
            Kind = PlotKind.Bar,
            X = new("share of requests that arrived", IsShare: true, Min: 0, Max: 1),
            Y = new("run"),
            Categories = differences.Labels,
            Series = isPerClass
                ?
                [
                    .. classes.Select(c => new PlotSeries(
                        c, [.. runs.Select((r, i) => ((double)i, r.Classes.First(g => g.Name == c).SloAttainment))])),
                    ofAll,
                ]
                : [ofAll],
        };
    }

    private static void AddLatencies(PlotPage page, IReadOnlyList<RunSummary> runs, RunDifferences differences)
    {
        int[] drawn = [.. Enumerable.Range(0, runs.Count)];
        var heading = "Latencies";
        if (drawn.Length > CurvesMax && differences.Axis is { } axis)
        {
            double[] values = [.. differences.AxisValues.Distinct().Order()];
            var middle = values[values.Length / 2];
            drawn = [.. drawn.Where(i => differences.AxisValues[i] == middle)];
            heading = $"Latencies at {axis} {Figures.Number(middle)}";
        }

        var left = Math.Max(0, drawn.Length - CurvesMax);
        drawn = [.. drawn.Take(CurvesMax)];
        var section = page.Section(heading)
            .Plot(LatencyPlots.Make("Time to first token", "TTFT", Curves(g => g.Ttft)))
            .Plot(LatencyPlots.Make("Time per output token", "TPOT", Curves(g => g.Tpot)))
            .Plot(LatencyPlots.Make("End-to-end latency", "E2E", Curves(g => g.E2e)));
        if (left > 0) section.Paragraph($"The first {CurvesMax} runs are drawn; {left} more are in the table.");

        LatencyPlots.Curve[] Curves(Func<GroupSummary, Distribution> values) =>
            [.. drawn.Select((i, place) => new LatencyPlots.Curve(differences.Labels[i], values(runs[i].All), double.NaN, place))];
    }

    private static void AddRepeat(PlotPage page, IReadOnlyList<RunSummary> runs, RunDifferences differences, string verb) =>
        page.Section("Repeat a run").Table(
            ["run", "command", "fingerprint"],
            [.. runs.Select((r, i) => (IReadOnlyList<string>)[differences.Labels[i], RunConfig.Command(verb, r.Settings), r.Fingerprint])],
            isText: true);
}
