using Sluice.Core;
using Sluice.Simulation;
using static Sluice.Cli.PaperFigure;
using static Sluice.Cli.RowText;

namespace Sluice.Cli;

/// <summary>Answers that call tools: LAMPS against InferCept and vLLM, with one call, several, and a mix of short tools.</summary>
/// <remarks>The paper's 6B and 13B models on A100s limited to 40 GB are LLaMA-2-7B and -13B here, with the KV memory that such a limit
/// leaves. Its figures come from a summary of its full text [S]; tools are those of InferCept's table [R].</remarks>
public sealed class LampsReproduction : IReproduction
{
    /// <summary>Times the rate at which InferCept's mean TTFT is two seconds. The paper's 3 requests/s queue on its engines and not on
    /// these, and where nobody waits no order gains anything.</summary>
    private const double Overload = 1.2;

    private const double FirstTokenLimitSeconds = 2;

    private static readonly Contender s_vllm = new("vLLM", "vllm-v1");
    private static readonly Contender s_infercept = new("InferCept", "lamps", "order=arrival", "chosen=call", "starved-after=0");
    private static readonly Contender s_early = new("chosen early, FCFS", "lamps", "order=arrival", "starved-after=0");
    private static readonly Contender s_lamps = new("LAMPS", "lamps");
    private static readonly Contender s_unguarded = new("LAMPS, no guard", "lamps", "starved-after=0");
    private static readonly Contender s_guardAll = new("LAMPS, newcomers guarded", "lamps", "guards=all");
    private static readonly Contender s_noisy = new("LAMPS, noise 0.5", "lamps", "segment-sigma=0.5");
    private static readonly Contender s_bySize = new("by output alone", "lamps", "order=length");

    private static readonly Contender[] s_all = [s_vllm, s_infercept, s_early, s_lamps, s_unguarded, s_guardAll, s_noisy, s_bySize];

    private static readonly (string Name, string Tools, string Profile, int KvTokens)[] s_cases =
    [
        ("6B, one call", "tools=all,tool-calls=1", "llama-2-7b@a100", 43_000),
        ("6B, several calls", "tools=all", "llama-2-7b@a100", 43_000),
        ("13B, several calls", "tools=all", "llama-2-13b@a100", 12_200),
        ("6B, short tools", "tools=qa+math", "llama-2-7b@a100", 43_000),
        ("13B, short tools", "tools=qa+math", "llama-2-13b@a100", 12_200),
    ];

    public string Name => "lamps";

    public string Title => "Fast Inference for Augmented Large Language Models (LAMPS; Shahout et al., arXiv 2410.18248)";

    public string About =>
        "What becomes of the KV while a tool works is decided early, and whoever holds least memory for least time goes first.";

    public ReproductionResult Run(ReproductionContext context)
    {
        var requests = context.IsSmall ? 500 : 3000;
        var searches = s_cases.Select(c => context.Later(() => RateSearch.Highest(
            3, FirstTokenLimitSeconds, rate => Ttft(Trial(c, s_infercept, rate, requests, context.Seed)) / 1000).Rate)).ToArray();
        context.RunAll();
        double[] rates = [.. searches.Select(s => Overload * s.Result)];

        var trials = new Dictionary<(string, string), Job<RunSummary>>();
        foreach (var (c, rate) in s_cases.Zip(rates))
            foreach (var system in s_all)
                trials[(c.Name, system.Name)] = context.Later(() => Trial(c, system, rate, requests, context.Seed));
        context.RunAll();
        return new(Rows(At), Sections(At, rates));

        RunSummary At(int index, Contender system) => trials[(s_cases[index].Name, system.Name)].Result;
    }

    private static RunSummary Trial(
        (string Name, string Tools, string Profile, int KvTokens) c, Contender system, double rate, int requests,
        ulong seed)
    {
        var workload = WorkloadSource.FromSpec(
            FormattableString.Invariant($"poisson:rate={rate},n={requests},lengths=sharegpt,max-total=2048,{c.Tools}"),
            new Rng(seed).Fork(c.Name));
        var options = new SimulationOptions { Engines = [ProfileCatalog.Find(c.Profile)], KvTokens = c.KvTokens, Seed = seed };
        return RunSummary.Of(Cli.Trial.Run(workload, system.Make(), options));
    }

    private static List<ReproductionRow> Rows(Func<int, Contender, RunSummary> at)
    {
        var noGain = Over(at, 0, s_infercept, E2e);
        var (several, severalFirst) = (Over(at, 1, s_infercept, E2e), Over(at, 1, s_infercept, Ttft));
        var (tools, toolsFirst) = (Over(at, 3, s_infercept, E2e), Over(at, 3, s_infercept, Ttft));
        var (larger, largerFirst) = (Over(at, 4, s_infercept, E2e), Over(at, 4, s_infercept, Ttft));
        var overVllm = s_cases.Select((_, i) => E2e(at(i, s_lamps)) / E2e(at(i, s_vllm))).ToArray();
        var early = s_cases.Select((_, i) => Math.Abs(E2e(at(i, s_early)) / E2e(at(i, s_infercept)) - 1)).Max();
        var (calm, noisy) = (at(2, s_lamps).All.E2e.P50, at(2, s_noisy).All.E2e.P50);
        var bySize = s_cases.Select((_, i) => E2e(at(i, s_lamps)) / E2e(at(i, s_bySize))).ToArray();
        return
        [
            new("6B, one call: end-to-end over InferCept", Summarised("+0.8 %"), RowText.Change(noGain), Math.Abs(noGain) <= 0.05,
                "mean latency; no gain: at most five points; " + Load(at, 0)),
            new("6B, several calls: end-to-end", Summarised("-63.3 %"), RowText.Change(several), Agreement.IsNear(-several, 0.633),
                Load(at, 1) + ". Most of that time is the tools' own, which no order shortens"),
            new("6B, several calls: TTFT", Summarised("-95.9 %"), RowText.Change(severalFirst), Agreement.IsNear(-severalFirst, 0.959),
                "the queue is as long as the overload makes it, and the paper's is not known"),
            new("6B, ToolBench: end-to-end", Summarised("-27.2 %"), RowText.Change(tools), Agreement.IsNear(-tools, 0.272),
                "question answering and calculators stand for ToolBench [I]; " + Load(at, 3)),
            new("6B, ToolBench: TTFT", Summarised("-87 %"), RowText.Change(toolsFirst), Agreement.IsNear(-toolsFirst, 0.87),
                "the queue is as long as the overload makes it, and the paper's is not known; without the guard "
                + RowText.Change(Over(at, 3, s_infercept, Ttft, s_unguarded))),
            new("13B, ToolBench: end-to-end", Summarised("-62.6 %"), RowText.Change(larger), Agreement.IsNear(-larger, 0.626),
                Load(at, 4) + ". Where memory is short, whoever came back from a tool is passed over for 100 steps soon, stands first "
                + "from then on, and keeps out those whose memory would fit: the guard undoes the rank"),
            new("13B, ToolBench: TTFT", Summarised("-75.5 %"), RowText.Change(largerFirst), Agreement.IsNear(-largerFirst, 0.755),
                "the guard, as above: without it " + RowText.Change(Over(at, 4, s_infercept, Ttft, s_unguarded))),
            new("ahead of vLLM everywhere", Checked("yes"), List(s_cases.Select((c, i) => (c.Name, Times(overVllm[i])))),
                overVllm.All(r => r < 1), "mean end-to-end latency, LAMPS over vLLM, which forgets the KV at a call"),
            new("choosing early under FCFS gains nothing", Summarised("yes"), $"at most {Percent(early)} apart", early <= 0.05,
                "end-to-end against InferCept, which chooses at the call: the gain comes from the rank"),
            new("noise of 50 % raises the median latency at high load", Summarised("yes"),
                $"{Seconds(calm / 1000)} to {Seconds(noisy / 1000)}",
                noisy > calm, "13B, several calls; log-normal noise of 0.1 and 0.5 on the tokens to the next call"),
            new("the rank by memory and time beats that by output", Inferred("yes"),
                List(s_cases.Select((c, i) => (c.Name, Times(bySize[i])))),
                bySize.Count(r => r < 1) > s_cases.Length / 2, "mean end-to-end latency, most cases"),
        ];

        static string Load(Func<int, Contender, RunSummary> at, int index) =>
            $"LAMPS {Seconds(E2e(at(index, s_lamps)) / 1000)}, InferCept {Seconds(E2e(at(index, s_infercept)) / 1000)}; without the "
            + $"guard {RowText.Change(Over(at, index, s_infercept, E2e, s_unguarded))}, with newcomers guarded too "
            + RowText.Change(Over(at, index, s_infercept, E2e, s_guardAll));
    }

    private static List<PageSection> Sections(Func<int, Contender, RunSummary> at, double[] rates) =>
    [
        .. s_cases.Select((c, i) => new PageSection($"{c.Name}, {PerSecond(rates[i])}").Table(
            ["system", "mean TTFT", "mean latency", "p99 latency", "output tokens/s", "preemptions per request"],
            [.. s_all.Select(s => Line(s.Name, at(i, s)))])),
        new PageSection("Assumptions").List(
        [
            "Systems: " + string.Join("; ", s_all.Select(s => s.ToString())) + ".",
            $"Every case runs at {Overload} times the rate at which InferCept's mean TTFT is {FirstTokenLimitSeconds} s; the paper's 3 "
            + "requests/s queue on its engines and not on these.",
            "Lengths are those of ShareGPT up to 2,048 tokens, a tool answers 32 tokens [I], and calls come at uniform places.",
            "Which tool comes next is known; how long it takes is the mean of its kind so far.",
            "Step times are the engine's profile; the artifact's constants (0.0408 ms a token, 16.92 ms a step) are not used.",
        ]),
    ];

    private static double E2e(RunSummary run) => run.All.E2e.Mean;

    private static double Ttft(RunSummary run) => run.All.Ttft.Mean;

    private static double Over(
        Func<int, Contender, RunSummary> at, int index, Contender from, Func<RunSummary, double> figure, Contender? to = null) =>
        figure(at(index, to ?? s_lamps)) / figure(at(index, from)) - 1;

    private static IReadOnlyList<string> Line(string name, RunSummary r) =>
    [
        name, Seconds(r.All.Ttft.Mean / 1000), Seconds(r.All.E2e.Mean / 1000), Seconds(r.All.E2e.P99 / 1000),
        FormattableString.Invariant($"{r.OutputTokensPerSecond:0}"),
        FormattableString.Invariant($"{r.Preemptions / (double)r.All.Requests:0.##}"),
    ];
}
