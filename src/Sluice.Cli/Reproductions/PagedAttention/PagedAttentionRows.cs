using System.Globalization;
using static Sluice.Cli.PaperFigure;

namespace Sluice.Cli;

/// <summary>The paper's claims beside ours.</summary>
internal static class PagedAttentionRows
{
    private const string NoGroups =
        "Not reproduced: the engine loop has no requests of several sequences, so their rate cannot be run; the "
        + "memory they share is above.";

    public static IReadOnlyList<ReproductionRow> Make(PagedAttentionResults r) =>
        [.. Rates(r), .. Batches(r), .. Shares(r), .. Saved(r), .. Others(r)];

    /// <summary>Share of KV memory with real tokens in the paper's figure 2, from memory, by <see cref="Opt13b.Servers"/>.</summary>
    public static IReadOnlyList<double> PaperShares { get; } = [0.963, 0.382, 0.268, 0.204];

    /// <summary>Memory saved by sharing: figure 15, for 2 and for 6 sequences.</summary>
    public static (double From, double To) PaperSaving(string load, bool isBeam) => (load, isBeam) switch
    {
        ("Alpaca", false) => (0.061, 0.098),
        ("Alpaca", true) => (0.376, 0.552),
        (_, false) => (0.162, 0.305),
        (_, true) => (0.443, 0.663),
    };

    private static IEnumerable<ReproductionRow> Rates(PagedAttentionResults r)
    {
        var (shareGpt, alpaca) = (r.Traffic.ShareGpt, r.Traffic.Alpaca);
        var vllm = PerSecond(r.Rate(shareGpt, Opt13b.Vllm).Rate);
        var oracle = r.Gain(shareGpt, Opt13b.OrcaOracle);
        yield return new(
            "rate sustained, vLLM over Orca (Oracle), ShareGPT",
            Checked("1.7-2.7×"), Times(oracle), Agreement.IsInside(oracle, 1.7, 2.7),
            $"{vllm} against {PerSecond(r.Rate(shareGpt, Opt13b.OrcaOracle).Rate)}. The paper's range is over three "
            + "models, ours is OPT-13B and close to its low end: a single short trace (--small) can fall below it.");
        var max = r.Gain(shareGpt, Opt13b.OrcaMax);
        yield return new(
            "rate sustained, vLLM over Orca (Max), ShareGPT", Checked("2.7-8×"), Times(max), Agreement.IsInside(max, 2.7, 8),
            $"{vllm} against {PerSecond(r.Rate(shareGpt, Opt13b.OrcaMax).Rate)}.");
        var (onShareGpt, onAlpaca) = (r.Gain(shareGpt, Opt13b.FasterTransformer), r.Gain(alpaca, Opt13b.FasterTransformer));
        var most = Math.Max(onShareGpt, onAlpaca);
        yield return new(
            "rate sustained, vLLM over FasterTransformer", Checked("up to 22×"), $"up to {Times(most)}", Agreement.IsNear(most, 22),
            $"{Times(onShareGpt)} on ShareGPT, {Times(onAlpaca)} on Alpaca; batches of as many requests as fit with "
            + "maximal reservation (7).");
        var ample = r.Gain(alpaca, Opt13b.OrcaOracle, Opt13b.AmpleKvTokens);
        yield return new(
            "Alpaca with ample KV memory: the gain over Orca (Oracle) shrinks", Checked("little gain (OPT-175B)"),
            $"{Times(oracle)} to {Times(ample)}", Agreement.ShrinksTowardsOne(oracle, ample),
            "From ShareGPT with 15.7 K slots to Alpaca with 60.1 K (OPT-175B's) at OPT-13B's step times; Alpaca with 15.7 K: "
            + $"{Times(r.Gain(alpaca, Opt13b.OrcaOracle))}. vllm-v0 computes prompts in steps of their own, Orca "
            + "beside decodes, which short "
            + $"answers notice: paging under Orca's scheduler gains {Times(r.PagingGain(alpaca))} with 15.7 K and "
            + $"{Times(r.PagingGain(alpaca, Opt13b.AmpleKvTokens))} with 60.1 K.");
        double[] chat = [.. Opt13b.Servers.Skip(1).Take(3).Select(s => r.Gain(r.Traffic.Chatbot, s))];
        var (chatVllm, chatOracle) = (r.Saturated(r.Traffic.Chatbot, Opt13b.Vllm), r.Saturated(r.Traffic.Chatbot, Opt13b.OrcaOracle));
        yield return new(
            "rate sustained, vLLM over every Orca, chatbot (1024 in, at most 1024 out)",
            Checked("2×"), TimesRange(chat.Min(), chat.Max()),
            chat.All(g => Agreement.IsNear(g, 2)),
            "All prompts have 1024 tokens here, so every Orca takes buddy ranges of 2048. The batch grows "
            + $"{Times(chatVllm.Running / chatOracle.Running)} ({Two(chatVllm.Running)} against "
            + $"{Two(chatOracle.Running)}), but its steps take longer, and a "
            + "prefill of 175 ms per request stays: the rate grows less. Not the scheduler's doing: paging under "
            + "Orca's gains "
            + $"{Times(r.PagingGain(r.Traffic.Chatbot))}.");
    }

    private static IEnumerable<ReproductionRow> Batches(PagedAttentionResults r)
    {
        var shareGpt = r.Traffic.ShareGpt;
        var vllm = r.Rate(shareGpt, Opt13b.Vllm).Rate;
        var perToken = r.AtPaperLoad(Opt13b.Vllm).Running / PagedAttentionResults.PaperLoad / shareGpt.Trace.OutputTokensMean;
        foreach (var (server, paper) in ((Server, double)[])[(Opt13b.OrcaOracle, 2.2), (Opt13b.OrcaMax, 4.3)])
        {
            var (ours, theirs) = (r.AtPaperLoad(Opt13b.Vllm).Running, r.AtPaperLoad(server).Running);
            yield return new(
                $"requests in the batch, vLLM over {server.Name}, ShareGPT at 2/s", Recalled(Times(paper)), Times(ours / theirs),
                Agreement.IsNear(ours / theirs, paper),
                $"{Two(ours)} against {Two(theirs)}. Ours is not full at this rate, it sustains {PerSecond(vllm)}: by "
                + "Little's law a token takes "
                + $"{perToken * 1000:F0} ms here and 45 ms in the paper (30.4 requests of 338 tokens). "
                + "The ratio was checked, that it is at 2/s is recalled. "
                + "The step times, DistServe's, are faster than the paper's engine.");
            (ours, theirs) = (r.Saturated(shareGpt, Opt13b.Vllm).Running, r.Saturated(shareGpt, server).Running);
            yield return new(
                $"requests in the batch, vLLM over {server.Name}, ShareGPT, both full",
                Inferred(Times(paper)), Times(ours / theirs), Agreement.IsNear(ours / theirs, paper),
                $"{Two(ours)} against {Two(theirs)}, each at 1.25 times the rate it sustains: here memory decides and "
                + "step times do not. The paper's ratio is of engines at 2/s, as far as recalled.");
        }
    }

    private static IEnumerable<ReproductionRow> Shares(PagedAttentionResults r)
    {
        for (var i = PaperShares.Count - 1; i >= 0; i--)
        {
            var server = Opt13b.Servers[i];
            var full = r.Saturated(r.Traffic.ShareGpt, server);
            yield return new(
                $"share of KV memory with real tokens, {server.Name}", Recalled(Percent(PaperShares[i])), Percent(full.KvLive),
                Agreement.IsSameShare(full.KvLive, PaperShares[i]),
                server == Opt13b.Vllm
                    ? $"ShareGPT, full. Of the blocks in use {Percent(full.KvLive / full.KvTaken)}; the rest is free: "
                      + "the watermark of 1 % and what is too "
                      + "little for the next prompt."
                    : "ShareGPT, full, of all KV memory.");
        }
    }

    private static IEnumerable<ReproductionRow> Saved(PagedAttentionResults r)
    {
        foreach (var trials in (ServingTrials[])[r.Traffic.ShareGpt, r.Traffic.Alpaca])
        {
            yield return SavedRow(trials, isBeam: false, r.Samples(trials, 2), r.Samples(trials, 6),
                trials == r.Traffic.ShareGpt
                    ? "Samples as long as the answer in the workload, prompt blocks shared."
                    : "Our Alpaca lengths are ShareGPT's divided by 8.4 and 5.8: prompts have "
                      + $"{Two(trials.Trace.PromptTokensMean)} tokens in the mean, and "
                      + $"{Percent(TokensInLongPrompts(trials))} of their tokens stand in prompts over 64, of which "
                      + "much is shared. With prompts evenly from 10 to "
                      + "28 tokens, about the paper's mean of 19 (from memory): "
                      + $"{PercentRange(r.ShortPromptSamples(2), r.ShortPromptSamples(6))}.");
            yield return SavedRow(trials, isBeam: true, r.Beams(trials, 2), r.Beams(trials, 6),
                "Survival is assumed: every step draws each beam's parent evenly from all beams. Drawn in one step of "
                + "16 instead: "
                + $"{PercentRange(r.Beams(trials, 2, 1 / 16.0), r.Beams(trials, 6, 1 / 16.0))}.");
        }
    }

    private static IEnumerable<ReproductionRow> Others(PagedAttentionResults r)
    {
        yield return new("beam width 6, Alpaca: the gain over Orca (Oracle) grows", Checked("1.3× to 2.3×"), "-", false, NoGroups);
        yield return new(
            "shared prefix, WMT16, over Orca (Oracle)", Checked("1.67×, 3.58×"), "-", false,
            "Not reproduced: no lengths of the translation set and no step times of LLaMA-13B are at hand.");
        yield return new(
            "attention kernel with paging", Checked("+20-26 %"), "-", false, "Not reproduced: a simulated step runs no kernel.");
        foreach (var (trials, paper) in ((ServingTrials, int)[])[(r.Traffic.ShareGpt, 128), (r.Traffic.Alpaca, 32)])
        {
            var ours = r.LargestGoodBlock(trials);
            yield return new(
                $"largest block without loss, {trials.Name}",
                Checked($"{paper} tokens"), $"{ours} tokens", Agreement.IsNeighbour(ours, paper),
                "Up to it at least 95 % of the best block size's rate is sustained; the paper reads latency at one rate.");
        }

        yield return new(
            "blocks below 16 tokens are slower", Checked("yes"), "-", false,
            "Not reproduced: step times here do not depend on the block size, so only the waste of large blocks shows.");
    }

    private static ReproductionRow SavedRow(ServingTrials trials, bool isBeam, double two, double six, string note)
    {
        var paper = PaperSaving(trials.Name, isBeam);
        return new(
            $"memory saved by sharing, 2 to 6 {(isBeam ? "beams" : "samples")}, {trials.Name}",
            Checked(PercentRange(paper.From, paper.To)), PercentRange(two, six),
            Agreement.AreEndsNear(two, six, paper.From, paper.To), note);
    }

    private static double TokensInLongPrompts(ServingTrials trials)
    {
        int[] prompts = [.. trials.Trace.First(3000).Select(r => r.Request.PromptTokens)];
        return prompts.Where(p => p > 64).Sum() / (double)prompts.Sum();
    }

    private static string TimesRange(double from, double to) =>
        Two(from) == Two(to) ? Times(from) : $"{Two(from)}-{Two(to)}×";

    private static string PercentRange(double from, double to) =>
        string.Create(CultureInfo.InvariantCulture, $"{from * 100:F1}-{to * 100:F1} %");

    private static string Percent(double share) => string.Create(CultureInfo.InvariantCulture, $"{share * 100:F1} %");
    private static string Times(double value) => value.ToString("0.0#", CultureInfo.InvariantCulture) + "×";
    internal static string Two(double value) => value.ToString("0.00", CultureInfo.InvariantCulture);
    private static string PerSecond(double rate) => Two(rate) + "/s";
}
