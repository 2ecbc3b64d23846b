using System.Globalization;
using Sluice.Simulation;
using static Sluice.Cli.QlmRows;

namespace Sluice.Cli;

/// <summary>What the report shows below the claims: the curves and bars of the paper's figures, and every assumption.</summary>
internal static class QlmSections
{
    public static IReadOnlyList<PageSection> Make(QlmResults r) =>
        [OneModel(r), ManyModels(r), MegaPrompts(r), Estimator(r), Ablation(r), Groups(r), Solver(r), Mix(r), Assumptions(r)];

    private static PageSection OneModel(QlmResults r)
    {
        var section = new PageSection("One model, three promises (W_A)");
        section.Paragraph(
            "Share of requests whose first token came in time, against the arrival rate as a multiple of what the fleet "
                + "sustains. Every system "
            + "sees the same requests; a rate only scales the gaps.");
        section.Plot(Sweep(r, "W_A", "All requests", QlmSystem.OfOneModel, run => run.Attainment));
        foreach (var name in (string[])["interactive", "batch-1", "batch-2"])
            section.Plot(Sweep(r, "W_A", name, QlmSystem.OfOneModel, run => run.Of(name)));

        var knee = Knee(r, "W_A");
        section.Paragraph($"At {Load(knee)}, where QLM's lead over vLLM is widest:");
        return section.Table(
            ["", "attained", "interactive p99 [s]", "batch-1 p99 [s]", "batch-2 p99 [s]", "evictions per 1,000"],
            [.. QlmSystem.OfOneModel.Select(s => Row(s, r.Run("W_A", s, knee)))]);

        static string[] Row(QlmSystem system, QlmRun run) =>
        [
            system.Name, Percent(run.Attainment),
            .. run.Classes.Select(c => string.Create(CultureInfo.InvariantCulture, $"{c.Ttft.P99 / 1000:F1}")),
            string.Create(CultureInfo.InvariantCulture, $"{run.EvictionsPerThousand:F1}"),
        ];
    }

    private static PageSection ManyModels(QlmResults r) =>
        new PageSection("Many models, batch requests (W_B)")
            .Paragraph($"{QlmFleet.Models.Count} models of three sizes whose popularity falls as 1/rank; engines load what they "
                + $"are to serve next.")
            .Plot(Sweep(r, "W_B", "Requests served per second", QlmSystem.OfManyModels, run => run.RequestsPerSecond) with
            {
                Y = new("requests per second", Min: 0),
            })
            .Plot(Sweep(r, "W_B", "Model loads per 1,000 requests", QlmSystem.OfManyModels, run => Math.Max(0.1, run.LoadsPerThousand)) with
            {
                Y = new("loads per 1,000 requests", IsLog: true),
            })
            .Plot(Sweep(r, "W_B", "All requests", QlmSystem.OfManyModels, run => run.Attainment))
            .Table(
                [$"at load {Load(QlmResults.Overload)}", "requests/s", "loads per 1,000", "attained", "batch-1", "batch-2"],
                [.. QlmSystem.OfManyModels.Select(s => r.Run("W_B", s, QlmResults.Overload) is var run
                    ? (string[])
                    [
                        s.Name, One(run.RequestsPerSecond), One(run.LoadsPerThousand), Percent(run.Attainment), Percent(run.Of("batch-1")),
                        Percent(run.Of("batch-2")),
                    ]
                    : [])]);

    private static PageSection MegaPrompts(QlmResults r) =>
        new PageSection("Mega prompts (W_C)")
            .Paragraph("One request in ten is batch work with a prompt of 3,000 to 4,000 tokens. Eviction takes running ones "
                + "off for chat that would be late.")
            .Plot(Sweep(r, "W_C", "All requests", QlmSystem.OfOneModel, run => run.Attainment))
            .Plot(Sweep(r, "W_C", "chat", QlmSystem.OfOneModel, run => run.Of("chat")));

    private static PageSection Estimator(QlmResults r)
    {
        var section = new PageSection("Waiting times, predicted and actual");
        section.Paragraph("One A100 at twice its rate (W_A 1.5 times, Azure's lengths at 1 to 1.5 times), after a light load from "
            + "which lengths and throughput "
            + "are learned. A dot is a request: what was predicted when it was queued, and how long it waited to be "
            + "sent to the engine.");
        foreach (var (title, waits) in ((string, IEnumerable<PredictedWait>)[])
            [("requests of one kind", r.Estimates.Alike), ("one promise, ShareGPT", r.Estimates.ShareGpt), ("one promise, Azure "
                + "conversation", r.Estimates.Azure), ("W_A", r.Estimates.Mixed)])
        {
            PredictedWait[] all = [.. waits];
            var longest = Math.Max(1, all.Select(w => Math.Max(w.Actual, w.Mean)).DefaultIfEmpty(1).Max());
            section.Plot(new()
            {
                Title = string.Create(CultureInfo.InvariantCulture, $"{title}: R² {QlmEstimates.R2(all):F3}, p90 covers "
                    + $"{QlmEstimates.Coverage(all) * 100:F0} %"),
                Kind = PlotKind.Scatter,
                X = new("predicted mean wait [s]", Min: 0, Max: longest),
                Y = new("actual wait [s]", Min: 0, Max: longest),
                Series =
                [
                    new("requests", Thinned(all)),
                    new("as predicted", [.. Enumerable.Range(0, 101).Select(i => (i * longest / 100, i * longest / 100))]) { Color = -1 },
                ],
            });
        }

        int[] depths = [10, 20, 50, 100, 200, 500, 1000];
        return section.Table(
            ["queued before it", .. depths.Select(d => d.ToString(CultureInfo.InvariantCulture))],
            [
                ["error of the mean wait", .. depths.Select(d => Error(QlmEstimates.ErrorOfMeanAt(r.Estimates.Alike, d)))],
                ["where nothing was learned before", .. depths.Select(d => Error(QlmEstimates.ErrorOfMeanAt(r.Estimates.Cold, d)))],
            ]);

        static string Error(double share) =>
            double.IsNaN(share) ? "-" : RowText.Change(share);

        // A page need not carry every request to show the cloud.
        static List<(double, double)> Thinned(PredictedWait[] all)
        {
            var step = Math.Max(1, all.Length / 800);
            var points = new List<(double, double)>();
            for (var i = 0; i < all.Length; i += step) points.Add((all[i].Mean, all[i].Actual));
            return points;
        }
    }

    private static PageSection Ablation(QlmResults r) =>
        new PageSection("Without each operation")
            .Paragraph($"At {Load(QlmResults.Overload)} times the sustained rate, one operation taken away.")
            .Plot(new()
            {
                Title = "Attainment",
                Kind = PlotKind.Bar,
                X = new("requests whose promise was kept", IsShare: true, Min: 0, Max: 1),
                Y = new(""),
                Categories = [.. QlmResults.Ablation.Select(s => s.Name)],
                Series = [.. ((string[])["W_A", "W_B", "W_C"]).Select(t => new PlotSeries(
                    t, [.. QlmResults.Ablation.Select((s, i) => ((double)i, r.Without(t, s).Attainment))]))],
            })
            .Table(
                ["", "W_A interactive", "W_A attained", "W_B requests/s", "W_B loads per "
                    + "1,000", "W_B attained", "W_C chat", "W_C evictions per 1,000"],
                [.. QlmResults.Ablation.Select(s => (string[])
                [
                    s.Name, Percent(r.Without("W_A", s).Of("interactive")), Percent(r.Without("W_A", s).Attainment),
                    One(r.Without("W_B", s).RequestsPerSecond), One(r.Without("W_B", s).LoadsPerThousand),
                    Percent(r.Without("W_B", s).Attainment),
                    Percent(r.Without("W_C", s).Of("chat")), One(r.Without("W_C", s).EvictionsPerThousand),
                ])])
            .Paragraph("How long a model must stay while requests wait for it, in multiples of the time its load took.")
            .Table(
                ["W_B", "requests/s", "loads per 1,000", "evictions per 1,000", "attained"],
                [.. QlmResults.Stays.Prepend(QlmSystem.Qlm).Select(s => r.Without("W_B", s) is var run
                    ? (string[])
                    [
                        s == QlmSystem.Qlm ? "QLM, stay of 1 load" : s.Name, One(run.RequestsPerSecond), One(run.LoadsPerThousand),
                        One(run.EvictionsPerThousand), Percent(run.Attainment),
                    ]
                    : [])]);

    private static PageSection Groups(QlmResults r) =>
        new PageSection("Group size")
            .Paragraph("The largest group, in average batches: small groups can be ordered more finely and cost more moves of "
                + "the search.")
            .Plot(Caps("Attainment", new("promises kept", IsShare: true, Min: 0, Max: 1), run => run.Attainment, r))
            .Plot(Caps("Moves that the search tried in a run", new("moves", IsLog: true), run => Math.Max(1, Moves(run)), r));

    private static Plot Caps(string title, PlotAxis y, Func<QlmRun, double> of, QlmResults r) => new()
    {
        Title = title,
        X = new("group cap [batches]", IsLog: true, Min: r.GroupCaps[0], Max: r.GroupCaps[^1]),
        Y = y,
        Series = [.. ((string[])["W_A", "W_C"]).Select(t => new PlotSeries(
            t, [.. r.GroupCaps.Select(c => (c, of(r.Capped(t, c))))]) { HasDots = true })],
        Rules = [new(4, "the paper's 4")],
    };

    private static PageSection Solver(QlmResults r) =>
        new PageSection("Scheduler time against queue length")
            .Paragraph(
                "W_A, everything queued at once. Moves are counted and repeat; times are of this machine while it ran these "
                    + "experiments on all its "
                + "cores, so read them as an upper bound.")
            .Table(
                ["queued per trace", "plans", "searches", "moves", "mean per plan [ms]", "longest plan [ms]"],
                [.. r.QueueLengths.Select(n => QueueRow(n, r.Queued(n)))])
            .Plot(new()
            {
                Title = "Time of a plan on this machine",
                Kind = PlotKind.Scatter,
                X = new("requests queued", Min: 0),
                Y = new("time [ms]", Min: 0),
                Series = [.. r.QueueLengths.Select(n => new PlotSeries($"{n} at once", Thinned(r.Queued(n).Plans.Plans)))],
            });

    private static List<(double, double)> Thinned(IReadOnlyList<(int Queued, double Milliseconds)> plans)
    {
        var step = Math.Max(1, plans.Count / 200);
        return [.. plans.Where((_, i) => i % step == 0).Select(p => ((double)p.Queued, p.Milliseconds))];
    }

    private static string[] QueueRow(int length, QlmRun run)
    {
        var plans = run.Plans.Plans;
        var counts = (run.Plans.Scheduler as Policies.Qlm)!.Counts;
        return
        [
            length.ToString("N0", CultureInfo.InvariantCulture), plans.Count.ToString("N0", CultureInfo.InvariantCulture),
            counts.Searches.ToString("N0", CultureInfo.InvariantCulture), counts.Moves.ToString("N0", CultureInfo.InvariantCulture),
            string.Create(CultureInfo.InvariantCulture, $"{plans.Select(p => p.Milliseconds).DefaultIfEmpty(0).Average():F3}"),
            string.Create(CultureInfo.InvariantCulture, $"{plans.Select(p => p.Milliseconds).DefaultIfEmpty(0).Max():F2}"),
        ];
    }

    private static PageSection Mix(QlmResults r) =>
        new PageSection("A10 and A100")
            .Paragraph($"W_A at {Load(QlmResults.Overload)} times what each mix sustains, so that speed itself does not show.")
            .Plot(new()
            {
                Title = "Attainment by the share of A10",
                X = new("A10 among the devices", IsShare: true, Min: 0, Max: 1),
                Y = new("promises kept", IsShare: true, Min: 0, Max: 1),
                Series = [.. QlmSystem.OfOneModel.Select(s => new PlotSeries(
                    s.Name, [.. r.A10Shares.Select(a => (a, r.Mixed(s, a).Attainment))]) { HasDots = true })],
            });

    private static PageSection Assumptions(QlmResults r) =>
        new PageSection("Set-up and assumptions")
            .Paragraph("One set of defaults for everything above; none was fitted to a result.")
            .List(
            [
                $"Devices: {r.Fleet.Text}; where models are many {r.Fleet.WithQuads.Text}. {r.Traffic.A.Requests.Length:N0} "
                    + $"requests per run: {r.Fleet.Traces} × the paper's 3,500, because "
                + "3,500 requests on 80 devices are 44 each, fewer than one batch, and never queue.",
                $"W_B: the mean of {r.DrawsOfMany} draw{(r.DrawsOfMany == 1 ? "" : "s")} of its requests. "
                    + (r.Fleet == QlmFleet.Paper
                        ? "At this size " + Reduced(r)
                        : "Three, because throughput moves by a tenth from one to the next."),
                string.Create(CultureInfo.InvariantCulture,
                    $"A load of 1 is {r.RateA:F1} (W_A), {r.RateB:F1} (W_B) and {r.RateC:F1} (W_C) requests per second: all "
                        + $"devices with full batches of mean lengths, no loads."),
                "Llama-2-7B stands for Mistral-7B, which has four times less KV per token, Llama-2-13B for Vicuna-13B, which "
                    + "has the same shape, and Llama-2-70B on "
                + "four A100 for Llama-70B. The 13B model does not fit an A10.",
                $"A10: {ProfileCatalog.Find("llama-2-7b@a10").Origin}",
                $"Lengths: ShareGPT, mean prompt {One(r.Traffic.PromptTokensMean)} and answer {One(r.Traffic.OutputTokensMean)} "
                    + $"tokens; callers allow 2,048. Mega prompts: evenly 3,000 to 4,000 tokens, "
                + "one request in ten. Class shares are equal; the paper's are not known to us.",
                "Predicted lengths are learned in the run, per model and class, by every system; nobody knows the truth.",
                "Engines: vllm-v1 under every system, token budget 2,048, at most 256 sequences. Host memory holds the weights "
                    + "of all models; the first load of "
                + "a model on an engine comes from disk (20 s and 7 GB/s), later ones from pinned host memory (1.5 s and 20 "
                + "GB/s per GPU).",
                .. QlmSystem.OfOneModel.Select(s => s + "."),
                "vLLM is fcfs-swap where models are many: a first-come queue per engine, a load whenever its head needs another "
                    + "model.",
                "SHEPHERD is inferred from how QLM's literature describes it: deterministic mean service times, batches planned "
                    + "by earliest deadline, preemption "
                + "of batches without keeping KV.",
                "QLM's defaults: " + string.Join(", ", new Policies.QlmOptions() is var o
                    ? [$"group cap {o.GroupCap}", $"tick {o.Tick.TotalSeconds:0} s", $"residence {o.Residence:0} "
                        + $"load", $"{o.SolverMoves:N0} moves per search"]
                    : Array.Empty<string>()) + ".",
                "Figures of the paper: the abstract's, and published summaries of the text; values of single figures are not "
                    + "known to us.",
            ]);

    private static Plot Sweep(
        QlmResults r, string traffic, string title, IReadOnlyList<QlmSystem> systems, Func<QlmRun, double> of) => new()
    {
        Title = $"{traffic}: {title}",
        X = new("arrival rate over what the fleet sustains", Min: r.LoadsOf(traffic)[0], Max: r.LoadsOf(traffic)[^1]),
        Y = new("promises kept", IsShare: true, Min: 0, Max: 1),
        Series = [.. systems.Select(s => new PlotSeries(
            s.Name, [.. r.LoadsOf(traffic).Select(l => (l, of(r.Run(traffic, s, l))))]) { HasDots = true })],
    };

    private static string One(double value) => string.Create(CultureInfo.InvariantCulture, $"{value:F1}");
}
