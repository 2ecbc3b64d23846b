using Sluice.Simulation;
using static Sluice.Cli.PaperFigure;
using static Sluice.Cli.RowText;

namespace Sluice.Cli;

/// <summary>Slice-level scheduling on eight engines: throughput against whole answers and against cautious continuous batching,
/// the steps of its ablation, and the length of a slice.</summary>
/// <remarks>The paper's set-up is recalled [R]: LLaMA2-13B on 8 A100-80GB, prompts and answers up to 1,024 tokens, static
/// batches of 16. Its ILS is a continuous batch whose size is capped for safety; we cap it alike.</remarks>
public sealed class SclsReproduction : IReproduction
{
    private const int Engines = 8;
    private const int CautiousSequences = 16;

    private static readonly Contender s_whole = new("SLS", "static", "router=round-robin");
    private static readonly Contender s_iteration = new("ILS", "orca");
    private static readonly Contender s_paged = new("vLLM v1", "vllm-v1");
    private static readonly Contender s_slices = new("SCLS", "scls");

    private static readonly Contender[] s_ladder =
    [
        new("slices", "scls", "batches=fixed", "offload=round-robin"),
        new("+ sorted", "scls", "batches=sorted", "offload=round-robin"),
        new("+ batch size", "scls", "batches=optimal", "offload=round-robin"),
        s_slices,
    ];

    private static readonly int[] s_sliceTokens = [16, 32, 64, 128, 256, 512, 1024];

    public string Name => "scls";

    public string Title => "Slice-Level Scheduling for High Throughput and Load Balanced LLM Serving (Cheng et al., 2024)";

    public string About =>
        "Static batches run for a slice of tokens and go back to a pool, so that time and memory of a batch are known and work can "
        + "be spread evenly.";

    public ReproductionResult Run(ReproductionContext context)
    {
        var load = new PoissonLoad(
            "code assistant and chat", "lengths=sharegpt", context.IsSmall ? 2500 : 12_000, context.Seed,
            static (prompt, output) => (Math.Min(prompt, 1024), Math.Min(output, 1024)));
        var duration = TimeSpan.FromSeconds(context.IsSmall ? 60 : 300);

        // Far above what anybody serves: throughput, not arrivals, is what is compared; and a rate that all serve with ease.
        const double overload = 40, light = 2;
        var trials = new Dictionary<(string, double), Job<RunSummary>>();
        Contender[] slices = [.. s_sliceTokens.Select(s => new Contender($"S = {s}", "scls", $"slice-tokens={s}"))];
        foreach (var system in (Contender[])[s_whole, s_iteration, s_paged, .. s_ladder, .. slices])
            trials[(system.Name, overload)] = context.Later(() => Trial(system, overload));
        foreach (var system in (Contender[])[s_whole, s_iteration, s_slices])
            trials[(system.Name, light)] = context.Later(() => Trial(system, light));
        context.RunAll();

        return new(Rows(At), Sections(At));

        RunSummary At(Contender system, bool isLight) => trials[(system.Name, isLight ? light : overload)].Result;

        RunSummary Trial(Contender system, double rate)
        {
            var cap = system == s_whole || system == s_iteration ? CautiousSequences : 256;
            var options = new SimulationOptions
            {
                Engines = [.. Enumerable.Repeat((EngineSetup)ProfileCatalog.Find("llama-2-13b@a100"), Engines)],
                Limits = new(SequencesMax: cap),
            };
            return RunSummary.Of(Cli.Trial.Run(load.At(rate, duration), system.Make(), options));
        }
    }

    private static List<ReproductionRow> Rows(Func<Contender, bool, RunSummary> at)
    {
        var (sls, ils, scls, vllm) = (Rate(s_whole), Rate(s_iteration), Rate(s_slices), Rate(s_paged));
        var gain = scls / Math.Min(sls, ils);
        double[] ladder = [.. s_ladder.Select(Rate)];
        var e2e = s_sliceTokens.Select(s => at(new($"S = {s}", "scls", $"slice-tokens={s}"), false).All.E2e.Mean).ToArray();
        var best = Array.IndexOf(e2e, e2e.Min());
        var (lightIls, lightScls) = (at(s_iteration, true).All.E2e.Mean, at(s_slices, true).All.E2e.Mean);
        return
        [
            new("throughput over SLS and ILS, at most", Checked("4.16×"), Times(gain), Agreement.IsNear(gain, 4.158),
                $"served in overload: SCLS {PerSecond(scls)}, SLS {PerSecond(sls)}, ILS {PerSecond(ils)}; both "
                + $"baselines run {CautiousSequences} "
                + "sequences at most, as recalled from the paper [R]"),
            new("order of throughput", Inferred("SCLS, ILS, SLS"), scls > ils && ils > sls ? "SCLS, ILS, SLS" : "another",
                scls > ils && ils > sls, "the same figures"),
            new("each step of the ablation helps", Recalled("yes"), List(s_ladder.Select((s, i) => (s.Name, PerSecond(ladder[i])))),
                ladder.Zip(ladder.Skip(1), (a, b) => b >= a).All(x => x),
                "sorting saves nothing here, because padding of prompts is not simulated; and the least total time means few and "
                + "large batches, which round robin spreads unevenly: batch size pays only together with balance"),
            new("at low load ILS answers sooner", Inferred("yes"), $"ILS {Seconds(lightIls / 1000)}, SCLS {Seconds(lightScls / 1000)}",
                lightIls < lightScls, "mean end-to-end latency at 2 requests/s"),
            new("a best slice length between the extremes", Recalled("128"), $"{s_sliceTokens[best]}",
                best > 0 && best < s_sliceTokens.Length - 1,
                "mean latency by S: " + List(s_sliceTokens.Select((s, i) => ($"{s}", Seconds(e2e[i] / 1000))))),
            new("against paged memory without a cap", Inferred("not compared"),
                $"SCLS {PerSecond(scls)}, vLLM v1 {PerSecond(vllm)}", scls > vllm,
                "expected to turn around (the card's weaknesses): the gap to ILS is the cap on its batch, which paging lifts, and every "
                + "slice computes its prompt again"),
        ];

        double Rate(Contender system) => at(system, false).RequestsPerSecond;
    }

    private static List<PageSection> Sections(Func<Contender, bool, RunSummary> at)
    {
        Contender[] all = [s_whole, s_iteration, s_paged, .. s_ladder];
        return
        [
            new PageSection("Overload").Table(
                ["system", "requests/s", "mean latency", "p95 latency", "prefill tokens per request", "returns to the pool"],
                [.. all.Select(s => Line(s.Name, at(s, false)))]),
            new PageSection("Slice length").Plot(new()
            {
                Title = "Mean end-to-end latency, overload",
                X = new("tokens of a slice", IsLog: true),
                Y = new("latency [s]", Min: 0),
                Series =
                [
                    new("SCLS", [.. s_sliceTokens.Select(s =>
                        ((double)s, at(new($"S = {s}", "scls", $"slice-tokens={s}"), false).All.E2e.Mean / 1000))]),
                ],
            }),
            new PageSection("Assumptions").List(
            [
                "Systems: " + string.Join("; ", all.Select(s => s.ToString())) + ".",
                "Prompts are not padded, so sorting by length saves less than in the paper; early finishers stay in their batch.",
                "Rounds come at least half a second apart, not 3 to 6 s, and at once when an engine stands idle [I].",
            ]),
        ];

        static IReadOnlyList<string> Line(string name, RunSummary r) =>
        [
            name, PerSecond(r.RequestsPerSecond), Seconds(r.All.E2e.Mean / 1000), Seconds(r.All.E2e.P95 / 1000),
            $"{r.PrefillTokens / r.All.Requests}", $"{r.Evictions}",
        ];
    }
}
