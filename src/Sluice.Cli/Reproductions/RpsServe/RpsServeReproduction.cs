using Sluice.Core;
using Sluice.Simulation;

namespace Sluice.Cli;

/// <summary>RPS-Serve's comparison with vLLM on five models, the parts of its score, and its mixes.</summary>
public sealed class RpsServeReproduction : IReproduction
{
    private static readonly Contender s_vllm = new("vLLM", "vllm-v1");
    private static readonly Contender s_edf = new("EDF", "edf");
    private static readonly string[] s_without = ["no offsets", "no classes", "by label", "EDF"];

    public string Name => "rps-serve";

    public string Title =>
        "Rocks, Pebbles and Sand: Modality-aware Scheduling for Multimodal LLM Inference (Papaioannou and Doudali, USENIX ATC 2026)";

    public string About =>
        "Text passes images and videos by estimated prefill, everybody ages at the rate of its size class, and text answers sooner.";

    public ReproductionResult Run(ReproductionContext context)
    {
        ulong[] seeds = [.. Enumerable.Range(0, context.IsSmall ? 2 : 10).Select(i => context.Seed + (ulong)i)];
        var models = RpsModel.All.Select(m => (
            Model: m, Vllm: Later(m, s_vllm), Rps: Later(m, m.Rps()))).ToArray();

        // Its ablation: one GPU, the highest of its rates there.
        var small = RpsModel.All[0];
        Contender[] parts =
        [
            small.Rps(), small.Rps("no offsets", "policy=wait-only"), small.Rps("no classes", "classifier=dummy"),
            small.Rps("by label", "classifier=naive"), small.Rps("class, then arrival", "policy=catfcfs"),
            small.Rps("artifact's preemption", "passed-over=recompute"), s_edf,
        ];
        var ablation = parts.Select(p => (Part: p, Times: Later(small, p))).ToArray();
        var mixes = RpsLoad.Mixes.Select(x => (x.Name, Vllm: Later(small, s_vllm, x.Shares), Rps: Later(small, small.Rps(), x.Shares))).ToArray();
        var hot = (Vllm: Later(small, s_vllm, rate: 1.3), Rps: Later(small, small.Rps(), rate: 1.3));
        context.RunAll();

        var rows = new List<ReproductionRow>();
        rows.AddRange(Headline(models));
        rows.AddRange(Ablation(ablation));
        rows.AddRange(Mixes(mixes));
        rows.Add(Saturated(hot));
        rows.AddRange(NotReproduced());
        return new(rows, Sections(models, ablation));

        Job<RpsTimes> Later(RpsModel model, Contender system, double[]? shares = null, double rate = 1) => context.Later(() =>
        {
            var times = new RpsTimes();
            foreach (var seed in seeds)
                times.Add(Trial.Run(RpsLoad.Make(model, shares ?? RpsLoad.MixIII, rate * model.Rate, seed), system.Make(), model.Options));
            return times;
        });
    }

    private static IEnumerable<ReproductionRow> Headline((RpsModel Model, Job<RpsTimes> Vllm, Job<RpsTimes> Rps)[] models)
    {
        double[] all = [.. models.Select(m => 1 - m.Rps.Result.All / m.Vllm.Result.All)];
        double[] text = [.. models.Select(m => 1 - m.Rps.Result.Of(RpsKind.Text) / m.Vllm.Result.Of(RpsKind.Text))];
        yield return new(
            "mean TTFT against vLLM, mix III, mean over five models", "-54 %", "-" + RowText.Percent(all.Average()),
            Agreement.IsNear(all.Average(), 0.54), Each(all) + "; mean over models, as in the abstract.");
        yield return new(
            "the same, latency-critical requests", "-78.5 %", "-" + RowText.Percent(text.Average()),
            Agreement.IsNear(text.Average(), 0.785), Each(text) + "; taken to be text that is not long [I].");
        var worse = models.Max(m => m.Rps.Result.Of(RpsKind.Video) / m.Vllm.Result.Of(RpsKind.Video));
        var finished = models.All(m => m.Rps.Result.AllFinished);
        yield return new(
            "videos may wait longer, and all finish [I]", "yes", $"at most {RowText.Times(worse)} the mean TTFT", finished,
            "Agrees if every request finishes.");

        string Each(double[] gains) => RowText.List(models.Select((m, i) => (m.Model.Name, "-" + RowText.Percent(gains[i]))));
    }

    private static IEnumerable<ReproductionRow> Ablation((Contender Part, Job<RpsTimes> Times)[] parts)
    {
        var text = parts.ToDictionary(p => p.Part.Name, p => p.Times.Result.Of(RpsKind.Text));
        yield return new(
            "offsets, classes by estimate and ageing: text's TTFT is lowest with all of them [I]", "yes",
            string.Join(", ", text.Select(t => $"{t.Key} {RowText.Seconds(t.Value)}")),
            s_without.All(other => text["RPS-Serve"] <= 1.02 * text[other]),
            "One GPU, 10/s, mix III. Agrees if none of no offsets, no classes, by label and EDF is lower by more than 2 %. "
            + "The paper's figures for its Fig. 13 are not known to us.");
        var videos = parts.ToDictionary(p => p.Part.Name, p => p.Times.Result.Of(RpsKind.Video));
        yield return new(
            "ageing spares videos what class order costs them [I]", "yes",
            $"class, then arrival {RowText.Seconds(videos["class, then arrival"])}, RPS-Serve {RowText.Seconds(videos["RPS-Serve"])}",
            videos["RPS-Serve"] < videos["class, then arrival"], "Mean TTFT of videos.");
    }

    private static IEnumerable<ReproductionRow> Mixes((string Name, Job<RpsTimes> Vllm, Job<RpsTimes> Rps)[] mixes)
    {
        double[] gains = [.. mixes.Select(m => 1 - m.Rps.Result.Of(RpsKind.Text) / m.Vllm.Result.Of(RpsKind.Text))];
        yield return new(
            "text's TTFT falls in every mix, I to V [I]", "yes", string.Join(", ", gains.Select(g => RowText.Percent(-g))),
            gains.All(g => g >= 0.01), "One GPU, 10/s; agrees from 1 % on in each.");
    }

    private static ReproductionRow Saturated((Job<RpsTimes> Vllm, Job<RpsTimes> Rps) hot)
    {
        var (text, all) = (1 - hot.Rps.Result.Of(RpsKind.Text) / hot.Vllm.Result.Of(RpsKind.Text), 1 - hot.Rps.Result.All / hot.Vllm.Result.All);
        return new(
            "the same at 1.3 times that rate, mix III [I]", "more than at its own", $"text -{RowText.Percent(text)}, all -{RowText.Percent(all)}",
            text >= 0.785, "Not in the paper: the gain is a matter of load, and agrees here from the paper's 78.5 % for text on.");
    }

    private static IEnumerable<ReproductionRow> NotReproduced()
    {
        const string why = "Not reproduced: encoders on devices of their own are not simulated.";
        yield return new("TTFT against ModServe and ModServe with RPS", "up to 9.3× lower, mean over models", "-", false, why);
        yield return new("GPU utilisation against the same", "+65 %", "-", false, why);
        yield return new("the advantage is largest on one GPU", "yes, no figures", "-", false,
            "Not reproduced: it is one over disaggregated systems.");
    }

    private static List<PageSection> Sections(
        (RpsModel Model, Job<RpsTimes> Vllm, Job<RpsTimes> Rps)[] models, (Contender Part, Job<RpsTimes> Times)[] ablation)
    {
        string[] header = ["", "all", "text", "long text", "image", "video"];
        return
        [
            new PageSection("Mean TTFT [s], mix III at the artifact's rates").Table(header,
            [
                .. models.SelectMany(m => new[]
                {
                    Line($"{m.Model.Name}, vLLM", m.Vllm.Result), Line($"{m.Model.Name}, RPS-Serve", m.Rps.Result),
                }),
            ]),
            new PageSection("Parts, one GPU, 10/s").Table(header, [.. ablation.Select(p => Line(p.Part.ToString(), p.Times.Result))]),
            new PageSection("Assumptions").List(
            [
                "A prompt's token costs the slope of the artifact's estimator, a media token the difference to text besides. Its intercepts "
                + "above a step are not charged, and its lines for media are 0.9-quantiles: both are ours to say [I].",
                "The 7B model runs on one GPU at 10/s, as in the artifact's ablation, because its constants are those of one GPU; the "
                + "others as in the main comparison, on four.",
                "Token budget 8,192 and 1,024 sequences, vLLM's defaults on this device. Preparation on the host is left out.",
                "Mean lengths are from the artifact's runs of single requests, their spread is ours [I]; 100 s per run, from an empty engine.",
                "Who runs and is passed over keeps its blocks [I]: see the system's page.",
            ]),
        ];

        static IReadOnlyList<string> Line(string name, RpsTimes t) =>
        [
            name, RowText.Seconds(t.All), .. Enum.GetValues<RpsKind>().Select(k => RowText.Seconds(t.Of(k))),
        ];
    }
}

/// <summary>Seconds to the first token over several runs, by kind.</summary>
internal sealed class RpsTimes
{
    private readonly double[] _sums = new double[4];
    private readonly int[] _counts = new int[4];

    public bool AllFinished { get; private set; } = true;
    public double All => _sums.Sum() / _counts.Sum();

    public double Of(RpsKind kind) => _sums[(int)kind] / _counts[(int)kind];

    public void Add(RunResult run)
    {
        for (var i = 0; i < run.Log.Count; i++)
        {
            AllFinished &= run.Log.Outcome[i] is Outcome.Finished;
            var kind = run.Workload.Requests[i].Class.Index;
            _sums[kind] += (run.Log.FirstToken[i] - run.Log.Arrival[i]) / (double)TimeSpan.TicksPerSecond;
            _counts[kind]++;
        }
    }
}
