using Sluice.Core;
using Sluice.Simulation;
using static Sluice.Cli.PaperFigure;

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

    /// <summary>Share of what vLLM serves at most, at which systems and parts are compared under load.</summary>
    private const double Loaded = 0.9;

    private static readonly double[] s_shares = [0.5, 0.7, Loaded, 1, 1.1, 1.3];

    private static readonly int[] s_budgets = [512, 1024, 2048, 4096, 8192];

    public ReproductionResult Run(ReproductionContext context)
    {
        ulong[] seeds = [.. Enumerable.Range(0, context.IsSmall ? 2 : 10).Select(i => context.Seed + (ulong)i)];
        var small = RpsModel.All[0];
        var most = RpsModel.All.ToDictionary(m => m, m => context.Later(() => Capacity(m, RpsLoad.MixIII)));
        var mostOfBudget = s_budgets.Select(
            b => context.Later(() => Capacity(small with { TokenBudget = b }, RpsLoad.MixIII))).ToArray();
        var mostOfMix = RpsLoad.Mixes.Select(x => context.Later(() => Capacity(small, x.Shares))).ToArray();
        context.RunAll();

        var atRate = RpsModel.All.Select(m => new Pair(m, Later(m, s_vllm, m.Rate), Later(m, m.Rps(), m.Rate))).ToArray();
        var loaded = RpsModel.All.Select(m => AtShare(m, Loaded)).ToArray();
        Contender[] parts =
        [
            small.Rps(), small.Rps("no offsets", "policy=wait-only"), small.Rps("no classes", "classifier=dummy"),
            small.Rps("by label", "classifier=naive"), small.Rps("class, then arrival", "policy=catfcfs"),
            small.Rps("artifact's preemption", "passed-over=recompute"), s_edf, s_vllm,
        ];
        var ablation = parts.Select(p => (Part: p, Times: Later(small, p, Loaded * most[small].Result))).ToArray();
        var mixes = RpsLoad.Mixes.Select((x, i) => new Pair(
            small, Later(small, s_vllm, Loaded * mostOfMix[i].Result, x.Shares),
            Later(small, small.Rps(), Loaded * mostOfMix[i].Result, x.Shares))).ToArray();
        var sweep = s_shares.Select(share => AtShare(small, share)).ToArray();
        var budgets = s_budgets.Select((b, i) => new Pair(
            small, Later(small with { TokenBudget = b }, s_vllm, Loaded * mostOfBudget[i].Result),
            Later(small with { TokenBudget = b }, small.Rps(), Loaded * mostOfBudget[i].Result))).ToArray();
        context.RunAll();

        return new(
            [.. AtRate(atRate, m => most[m].Result), .. UnderLoad(loaded), .. Ablation(ablation), Mixes(mixes), .. NotReproduced()],
            Sections(atRate, loaded, ablation, sweep, budgets));

        Pair AtShare(RpsModel m, double share) =>
            new(m, Later(m, s_vllm, share * most[m].Result), Later(m, m.Rps(), share * most[m].Result));

        Job<RpsTimes> Later(RpsModel model, Contender system, double rate, double[]? shares = null) => context.Later(() =>
        {
            var times = new RpsTimes();
            foreach (var seed in seeds)
                times.Add(Trial.Run(RpsLoad.Make(model, shares ?? RpsLoad.MixIII, rate, seed), system.Make(), model.Options));
            return times;
        });

        // Requests per second while 1,000 are there from the beginning.
        double Capacity(RpsModel model, double[] shares)
        {
            var load = RpsLoad.Make(model, shares, 10, context.Seed);
            load = load with { Requests = [.. load.Requests.Select(r => r with { Arrival = default })] };
            var run = Trial.Run(load, s_vllm.Make(), model.Options);
            return run.Log.Count / (run.Log.Ended.Max() / (double)TimeSpan.TicksPerSecond);
        }
    }

    /// <summary>One model, both systems.</summary>
    private sealed record Pair(RpsModel Model, Job<RpsTimes> Vllm, Job<RpsTimes> Rps)
    {
        /// <summary>Share by which the mean TTFT falls.</summary>
        public double Gain => 1 - Rps.Result.All / Vllm.Result.All;

        public double GainOf(RpsKind kind) => 1 - Rps.Result.Of(kind) / Vllm.Result.Of(kind);
    }

    private static IEnumerable<ReproductionRow> AtRate(Pair[] models, Func<RpsModel, double> most)
    {
        var (all, text) = (models.Average(m => m.Gain), models.Average(m => m.GainOf(RpsKind.Text)));
        yield return new(
            "mean TTFT against vLLM, mix III at the artifact's rates, mean over five models", Checked("-54 %"), Fall(all),
            Agreement.IsNear(all, 0.54),
            Each(models, m => m.Gain) + ". The rates as a share of what our engines serve: "
            + RowText.List(models.Select(m => (m.Model.Name, RowText.Percent(m.Model.Rate / most(m.Model)))))
            + ". In overload the claims come out; below it a request waits for the step under way more than for others, which no "
            + "order changes.");
        yield return new(
            "the same, latency-critical requests", Checked("-78.5 %"), Fall(text), Agreement.IsNear(text, 0.785),
            Each(models, m => m.GainOf(RpsKind.Text)) + "; taken to be text that is not long [I].");
    }

    /// <summary>Limits are those of the card's acceptance test.</summary>
    private static IEnumerable<ReproductionRow> UnderLoad(Pair[] models)
    {
        var (all, text) = (models.Average(m => m.Gain), models.Average(m => m.GainOf(RpsKind.Text)));
        yield return new(
            "the same at 0.9 of what vLLM serves at most", Inferred("-40 % or better"), Fall(all), all >= 0.4,
            Each(models, m => m.Gain) + ". The smaller the steps, the more there is to order: see the report.");
        yield return new(
            "the same, text that is not long", Inferred("-70 % or better"), Fall(text), text >= 0.7,
            Each(models, m => m.GainOf(RpsKind.Text)));
        var worse = models.Max(m => m.Rps.Result.Of(RpsKind.Video) / m.Vllm.Result.Of(RpsKind.Video));
        yield return new(
            "videos may wait longer, and all finish", Inferred("yes"), $"at most {RowText.Times(worse)} the mean TTFT",
            models.All(m => m.Rps.Result.AllFinished), "Agrees if every request finishes.");
    }

    private static IEnumerable<ReproductionRow> Ablation((Contender Part, Job<RpsTimes> Times)[] parts)
    {
        var text = parts.ToDictionary(p => p.Part.Name, p => p.Times.Result.Of(RpsKind.Text));
        yield return new(
            "text's TTFT is lowest with offsets, classes by estimate and ageing together", Inferred("yes"),
            RowText.List(text.Select(t => (t.Key, Milliseconds(t.Value)))),
            s_without.All(other => text["RPS-Serve"] <= 1.02 * text[other]),
            "One GPU, 0.9 of capacity. Agrees if none of no offsets, no classes, by label and EDF is lower by more than 2 %. The "
            + "paper's figures are not known to us.");
        var videos = parts.ToDictionary(p => p.Part.Name, p => p.Times.Result.Of(RpsKind.Video));
        yield return new(
            "ageing spares videos what class order costs them", Inferred("yes"),
            $"class, then arrival {Milliseconds(videos["class, then arrival"])}, RPS-Serve {Milliseconds(videos["RPS-Serve"])}",
            videos["RPS-Serve"] < videos["class, then arrival"],
            "Mean TTFT of videos. At this load hardly anybody is old enough to pass a class ahead.");
    }

    private static ReproductionRow Mixes(Pair[] mixes)
    {
        double[] gains = [.. mixes.Select(m => m.GainOf(RpsKind.Text))];
        return new(
            "text's TTFT falls in every mix, I to V", Inferred("yes"), string.Join(", ", gains.Select(Fall)), gains.All(g => g >= 0.01),
            "One GPU, each at 0.9 of its capacity; agrees from 1 % on in each.");
    }

    private static IEnumerable<ReproductionRow> NotReproduced()
    {
        const string why = "Not reproduced: encoders on devices of their own are not simulated.";
        yield return new("TTFT against ModServe and ModServe with RPS", Checked("up to 9.3× lower, mean over models"), "-", false, why);
        yield return new("GPU utilisation against the same", Checked("+65 %"), "-", false, why);
        yield return new("the advantage is largest on one GPU", Checked("yes, no figures"), "-", false,
            "Not reproduced: it is one over disaggregated systems.");
    }

    private static List<PageSection> Sections(
        Pair[] atRate, Pair[] loaded, (Contender Part, Job<RpsTimes> Times)[] ablation, Pair[] sweep, Pair[] budgets)
    {
        string[] header = ["", "all", "text", "long text", "image", "video"];
        return
        [
            new PageSection("Mean TTFT, mix III at the artifact's rates").Table(header, [.. atRate.SelectMany(Lines)]),
            new PageSection("The same at 0.9 of what vLLM serves at most").Table(header, [.. loaded.SelectMany(Lines)]),
            new PageSection("Over the load").Plot(new()
            {
                Title = "LLaVA-OneVision-7B, one GPU: how much lower TTFT is than with vLLM",
                X = new("share of what vLLM serves at most"),
                Y = new("lower by", IsShare: true, Max: 1),
                Series =
                [
                    new("all", [.. s_shares.Zip(sweep, (x, p) => (x, p.Gain))]) { HasDots = true },
                    new("text", [.. s_shares.Zip(sweep, (x, p) => (x, p.GainOf(RpsKind.Text)))]) { HasDots = true },
                    new("video", [.. s_shares.Zip(sweep, (x, p) => (x, p.GainOf(RpsKind.Video)))]) { HasDots = true },
                ],
            }),
            new PageSection("Over the tokens of a step, one GPU, 0.9 of capacity").Table(
                ["budget", "all", "text", "video"],
                [.. s_budgets.Zip(budgets, (b, p) => (IReadOnlyList<string>)
                    [$"{b}", Fall(p.Gain), Fall(p.GainOf(RpsKind.Text)), Fall(p.GainOf(RpsKind.Video))])]),
            new PageSection("Parts, one GPU, 0.9 of capacity").Table(
                header, [.. ablation.Select(p => Line(p.Part.ToString(), p.Times.Result))]),
            new PageSection("Assumptions").List(
            [
                "A prompt's token costs the slope of the artifact's estimator, a media token the difference to text besides. Its "
                + "intercepts above a step are not charged, and its lines for media are 0.9-quantiles [I].",
                "The 7B model runs on one GPU at 10/s, as in the artifact's ablation, because its constants are those of one GPU; the "
                + "others as in the main comparison, on four.",
                "Token budget 8,192 and 1,024 sequences, vLLM's defaults on this device. Preparation on the host is left out.",
                "Mean lengths are from the artifact's runs of single requests, their spread is ours [I]; 100 s per run, from an empty "
                + "engine.",
                "Who runs and is passed over keeps its blocks [I]: see the system's page.",
            ]),
        ];

        static IEnumerable<IReadOnlyList<string>> Lines(Pair p) =>
            [Line($"{p.Model.Name}, vLLM", p.Vllm.Result), Line($"{p.Model.Name}, RPS-Serve", p.Rps.Result)];

        static IReadOnlyList<string> Line(string name, RpsTimes t) =>
            [name, Milliseconds(t.All), .. Enum.GetValues<RpsKind>().Select(k => Milliseconds(t.Of(k)))];
    }

    private static string Each(Pair[] models, Func<Pair, double> gain) =>
        RowText.List(models.Select(m => (m.Model.Name, Fall(gain(m)))));

    /// <summary>A share by which something falls, as a change.</summary>
    private static string Fall(double share) => RowText.Percent(-share);

    private static string Milliseconds(double seconds) => FormattableString.Invariant($"{seconds * 1000:0} ms");
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
