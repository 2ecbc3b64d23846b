using System.Globalization;
using Sluice.Simulation;
using static Sluice.Cli.PagedAttentionRows;

namespace Sluice.Cli;

/// <summary>What the report shows below the claims: the curves and bars of the paper's figures, and every assumption.</summary>
internal static class PagedAttentionSections
{
    /// <summary>Curves end here, a little above the limit [s per token].</summary>
    private const double LatencyMax = 1.2 * ServingTrials.LimitSecondsPerToken;

    public static IReadOnlyList<PageSection> Make(PagedAttentionResults r) =>
        [Latency(r), Memory(r), Saving(r), Survival(r), Blocks(r), Assumptions(r)];

    private static PageSection Latency(PagedAttentionResults r)
    {
        var section = new PageSection("Latency against rate");
        section.Paragraph(
            "Mean end-to-end seconds per output token, at rates from light load to where the queue grows without end. "
            + "A system sustains the "
            + "rate at which its curve meets the limit. Broken: Orca's scheduler with paged memory, which is no "
            + "system of the paper and "
            + "tells what paging does from what the order of prompts does. On the chatbot's traffic all three Orcas "
            + "reserve 2,048 tokens per "
            + "request, and their curves are one.");
        foreach (var trials in r.Traffic.All)
        {
            section.Plot(new()
            {
                Title = $"{trials.Name}, OPT-13B, one A100-40GB",
                X = new("requests per second", Min: 0),
                Y = new("normalised latency [s per token]", Min: 0, Max: LatencyMax),
                Series = [.. Opt13b.Servers.Append(Opt13b.PagedOrca).Select((server, i) => Curve(server, i, r.Rate(trials, server)))],
                Rules = [new(ServingTrials.LimitSecondsPerToken, "limit", IsVertical: false)],
            });
        }

        return section.Table(
            ["sustained [requests/s]", .. r.Traffic.All.Select(t => t.Name)],
            [.. Opt13b.Servers.Append(Opt13b.PagedOrca).Select(server =>
                (string[])[server.Name, .. r.Traffic.All.Select(t => Two(r.Rate(t, server).Rate))])]);
    }

    private static PageSection Memory(PagedAttentionResults r)
    {
        var shareGpt = r.Traffic.ShareGpt;
        return new PageSection("Memory and batch")
            .Plot(new()
            {
                Title = "KV memory that holds real tokens, ShareGPT, full",
                Kind = PlotKind.Bar,
                X = new("share of all KV memory", IsShare: true, Min: 0, Max: 1),
                Y = new(""),
                Categories = Names(Opt13b.Servers),
                Series =
                [
                    Bars("ours", Opt13b.Servers, s => r.Saturated(shareGpt, s).KvLive),
                    new("paper", [.. PaperShares.Select((share, i) => ((double)i, share))]),
                ],
            })
            .Plot(new()
            {
                Title = "Requests in the batch, ShareGPT",
                Kind = PlotKind.Bar,
                X = new("requests, mean", Min: 0),
                Y = new(""),
                Categories = Names(Opt13b.Servers),
                Series =
                [
                    Bars("at 2 requests/s", Opt13b.Servers, s => r.AtPaperLoad(s).Running),
                    Bars("full", Opt13b.Servers, s => r.Saturated(shareGpt, s).Running),
                ],
            });
    }

    private static PageSection Saving(PagedAttentionResults r)
    {
        var section = new PageSection("Memory saved by sharing");
        section.Paragraph(
            "One minus the blocks held over those that the sequences would hold each for itself, summed over steps "
            + "and requests. The paper "
            + "gives the ends, 2 and 6 sequences.");
        foreach (var trials in Shared(r)) section.Plot(SavingBars(r, trials));
        return section;
    }

    private static PageSection Survival(PagedAttentionResults r)
    {
        var section = new PageSection("How much the survival of beams matters");
        section.Paragraph(
            "Which beams go on is a matter of the text, which a simulation does not have. Here every beam's parent is "
            + "drawn evenly from all "
            + "beams, in every step (the assumption of the claims) or only in one step out of many.");
        foreach (var trials in Shared(r))
        {
            section.Plot(new()
            {
                Title = $"Memory saved by beams, {trials.Name}",
                X = new("steps from draw to draw, mean", IsLog: true, Min: 1, Max: 1 / PagedAttentionResults.Redraws[^1]),
                Y = new("share of blocks", IsShare: true, Min: 0, Max: 1),
                Series = [.. PagedAttentionResults.Widths.Select(width => new PlotSeries(
                    $"{width} beams", [.. PagedAttentionResults.Redraws.Select(q => (1 / q, r.Beams(trials, width, q)))])
                {
                    HasDots = true,
                })],
            });
        }

        return section;
    }

    private static ServingTrials[] Shared(PagedAttentionResults r) => [r.Traffic.ShareGpt, r.Traffic.Alpaca];

    private static Plot SavingBars(PagedAttentionResults r, ServingTrials trials)
    {
        var widths = PagedAttentionResults.Widths;
        var (samples, beams) = (PaperSaving(trials.Name, isBeam: false), PaperSaving(trials.Name, isBeam: true));
        return new()
        {
            Title = $"Memory saved, {trials.Name}",
            Kind = PlotKind.Bar,
            X = new("share of blocks", IsShare: true, Min: 0, Max: 1),
            Y = new(""),
            Categories = [.. widths.Select(w => $"{w} samples"), .. widths.Select(w => $"{w} beams")],
            Series =
            [
                new("ours", [
                    .. widths.Select((w, i) => ((double)i, r.Samples(trials, w))),
                    .. widths.Select((w, i) => ((double)i + widths.Count, r.Beams(trials, w)))]),
                new("paper", [(0, samples.From), (2, samples.To), (3, beams.From), (5, beams.To)]),
            ],
        };
    }

    private static PageSection Blocks(PagedAttentionResults r) =>
        new PageSection("Block size")
            .Paragraph("Only the waste of large blocks: step times do not depend on the block size here, so small blocks cost nothing.")
            .Plot(new()
            {
                Title = "Rate that vLLM sustains by block size",
                X = new("tokens per block", IsLog: true, Min: 1, Max: 256),
                Y = new("share of the best", IsShare: true, Min: 0, Max: 1),
                Series = [.. Shared(r).Select(t => new PlotSeries(
                    t.Name, [.. PagedAttentionResults.BlockSizes.Select(size => ((double)size, r.BlockShare(t, size)))])
                {
                    HasDots = true,
                })],
            });

    private static PageSection Assumptions(PagedAttentionResults r)
    {
        string[] traffic = [.. r.Traffic.All.Select(t => string.Create(CultureInfo.InvariantCulture,
            $"{t.Name}: {t.Traces} × {t.Duration.TotalMinutes} minutes, mean prompt {t.Trace.PromptTokensMean:F1} and answer "
            + $"{t.Trace.OutputTokensMean:F1} tokens, {t.Trace.DroppedShare:P1} dropped because they exceed 2048 tokens."))];
        return new PageSection("Set-up and assumptions")
            .Paragraph("One set of constants for everything above; none was fitted to a result.")
            .List(
            [
                $"KV memory: {Opt13b.KvTokens} tokens, {Opt13b.AmpleKvTokens} where it is ample (OPT-175B's); both "
                + "from memory of the paper. "
                + $"Blocks of {Opt13b.BlockTokens} tokens, model of {Opt13b.ModelTokensMax} positions.",
                "Step time: DistServe's published fit for OPT-13B on A100: prefill 22.1 + 0.1405 N + 8.1e-6 Σ len² "
                + "ms, decode 23.5 + 0.0607 D "
                + "+ 5.93e-4 C ms. One constant, 23.5, serves both, so a step of prompts alone is 1.4 ms too long. A "
                + "step with prompts and "
                + "decodes takes the sum of both parts with the constant once. It is no measurement of an A100-40GB, "
                + "nor of any of these systems.",
                "No delay between engine and caller.",
                .. Opt13b.Servers.Append(Opt13b.PagedOrca).Select(s => s + "."),
                "vllm-v0 computes prompts in steps of their own, preempts by recomputation and keeps 1 % of blocks "
                + "free. Orca computes whole prompts beside "
                + "decodes. FasterTransformer runs a batch to its end. Token budget 2048, at most 256 sequences.",
                "Reserving systems find ranges by buddy allocation, as in the paper.",
                "Arrivals are Poisson; all systems and rates see the same requests, and a rate only scales the gaps.",
                .. traffic,
                "ShareGPT lengths are a fit to 10,000 conversations counted by Llama 2's tokenizer, not OPT's. "
                + "Alpaca's are derived: ShareGPT's, "
                + "prompts 8.4 and answers 5.8 times shorter.",
                $"A rate is sustained up to {ServingTrials.LimitSecondsPerToken} s per token, found to 1 %.",
                "Occupancy is sampled while requests arrive, without the first quarter; “full” is 1.25 times the rate "
                + "that the system sustains.",
                "Samples and beams of a request all have the length of its answer in the workload.",
            ]);
    }

    private static PlotSeries Curve(Server server, int place, SustainedRate rate) =>
        new(server.Name, UpTo(rate.Points)) { Color = place, IsDashed = server == Opt13b.PagedOrca };

    /// <summary>The curve up to <see cref="LatencyMax"/>, cut between two points where it leaves the plot.</summary>
    private static List<(double, double)> UpTo(IReadOnlyList<(double Rate, double Latency)> points)
    {
        var shown = new List<(double, double)>();
        for (var i = 0; i < points.Count; i++)
        {
            var (rate, latency) = points[i];
            if (latency <= LatencyMax)
            {
                shown.Add((rate, latency));
                continue;
            }

            var before = points[i - 1];
            shown.Add((before.Rate + (rate - before.Rate) * (LatencyMax - before.Latency) / (latency - before.Latency), LatencyMax));
            break;
        }

        return shown;
    }

    private static string[] Names(IEnumerable<Server> servers) => [.. servers.Select(s => s.Name)];

    private static PlotSeries Bars(string name, IReadOnlyList<Server> servers, Func<Server, double> value) =>
        new(name, [.. servers.Select((server, i) => ((double)i, value(server)))]);
}
