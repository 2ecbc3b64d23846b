using Sluice.Core;
using Sluice.Simulation;
using static Sluice.Cli.PaperFigure;

namespace Sluice.Cli;

/// <summary>SLOs-Serve's scenarios on one engine, overload, and four engines under bursts.</summary>
/// <remarks>OPT-6.7B on an A100-40GB by the published performance model; memory by the usual formula. Lengths of the summariser are
/// ours [I]; the paper's reasoning and tool scenarios have stages with paces of their own within a request, which promises here do not
/// have.</remarks>
public sealed class SlosServeReproduction : IReproduction
{
    private const double Enough = 0.9, Slack = 1.05;
    private const double FixedMilliseconds = 24.8, PerTokenMilliseconds = 0.0688;

    private static readonly string[] s_names = ["SLOs-Serve", "vLLM", "Sarathi"];

    private static readonly Contender s_own = new("SLOs-Serve", "slos-serve");
    private static readonly Contender s_vllm = new("vLLM", "vllm-v0");

    private static readonly EngineProfile s_profile = new()
    {
        Name = "opt-6.7b@a100-40gb, SLOs-Serve's model",
        Model = "opt-6.7b",
        Device = "A100-40GB",
        Coefficients = new() { A = FixedMilliseconds, B = PerTokenMilliseconds, C = PerTokenMilliseconds },
        KvBytesPerToken = 2 * 32 * 4096 * 2,
        KvTokens = 40_900,
        WeightGigabytes = 13.3,
        FirstTokenExtraIterations = 0,
        ApiOverheadMilliseconds = 0,
        Origin = "published with SLOs-Serve (arXiv 2504.08784): T(n) = 0.0688 n + 24.8 ms",
    };

    public string Name => "slos-serve";

    public string Title => "SLOs-Serve: Optimized Serving of Multi-SLO LLMs (Chen et al., arXiv 2504.08784)";

    public string About =>
        "An engine plans its batches ahead, admits the requests whose promises it can keep, and serves the others as best effort or "
        + "passes them on.";

    public ReproductionResult Run(ReproductionContext context)
    {
        Scenario[] scenarios =
        [
            Make(context, "chatbot", "lengths=sharegpt", 5, _ => 100),
            Make(context, "coder", "lengths=azure-code", 5, _ => 50),
            Make(context, "summariser", "prompt=lognormal(1100,0.4),output=lognormal(150,0.5)", 3, _ => 100),
            Make(context, "mixed", "lengths=sharegpt", 5, id => id % 2 == 0 ? 50 : 100),
        ];
        var capacities = scenarios.ToDictionary(s => s, s => Systems(s).Select(c => context.Later(
            () => s.Trials.HighestRate(c, s.Start, Enough).Rate)).ToArray());
        var routing = Routing(context, scenarios[1]);
        var ample = Options(1) with { KvTokens = 10 * s_profile.KvTokens, Limits = new(TokenBudget: 2048, SequencesMax: 4096) };
        var withMemory = scenarios.ToDictionary(s => s, s => Systems(s).Select(c => context.Later(
            () => new PromiseTrials(s.Load, s.Duration, ample, IsKept).HighestRate(c, s.Start, Enough).Rate)).ToArray());
        context.RunAll();

        var rates = capacities.ToDictionary(c => c.Key, c => c.Value.Select(j => j.Result).ToArray());
        var mixed = scenarios[3];
        var overload = Overload(context, mixed, 1.5 * rates[mixed][0]);
        context.RunAll();
        var ampleRates = withMemory.ToDictionary(m => m.Key, m => m.Value.Select(j => j.Result).ToArray());
        return new([.. Capacities(rates, Memory(ampleRates)), .. overload(), .. routing()], [Bars(rates)]);
    }

    private sealed record Scenario(string Name, PoissonLoad Load, TimeSpan Duration, PromiseTrials Trials, double Tightest, double Start);

    private static Scenario Make(ReproductionContext context, string name, string lengths, double slowdown, Func<long, double> pace)
    {
        var duration = TimeSpan.FromMinutes(context.IsSmall ? 4 : 15);
        var load = new PoissonLoad(
            name, lengths, (int)(40 * duration.TotalSeconds), context.Seed,
            (prompt, output) => prompt + output <= 2048 ? (prompt, output) : null).Promising(r => new(
                TimeSpan.FromMilliseconds(slowdown * (FixedMilliseconds + PerTokenMilliseconds * r.PromptTokens)),
                TimeSpan.FromMilliseconds(pace(r.Id.Value)), TimeSpan.MaxValue));
        return new(name, load, duration, new(load, duration, Options(1), IsKept), Math.Min(pace(0), pace(1)), 3);
    }

    /// <summary>Ours, vLLM, and Sarathi with the budget that the tightest pace allows.</summary>
    private static Contender[] Systems(Scenario s)
    {
        var budget = (int)((s.Tightest - FixedMilliseconds) / PerTokenMilliseconds);
        return [s_own, s_vllm, new("Sarathi", "niyama", "priority=fcfs", FormattableString.Invariant($"chunk={budget}"), "relegate=no")];
    }

    private static SimulationOptions Options(int engines) => new()
    {
        Engines = [.. Enumerable.Repeat<EngineSetup>(s_profile, engines)],
        Limits = new(TokenBudget: 2048, SequencesMax: 256),
    };

    /// <summary>The first token within 1.05 of its promise; the last one within 1.05 of the pace from then on, or from the first token's
    /// deadline. Tokens between are not looked at.</summary>
    private static bool IsKept(RunResult run, int i)
    {
        var (log, slo) = (run.Log, run.Workload.Requests[i].Slo);
        if (log.Outcome[i] != Outcome.Finished || log.FirstToken[i] - log.Arrival[i] > slo.Ttft.Ticks * Slack) return false;
        var from = Math.Max(log.FirstToken[i], log.Arrival[i] + slo.Ttft.Ticks);
        return log.Ended[i] - from <= (log.OutputTokens[i] - 1) * slo.Tpot.Ticks * Slack;
    }

    private static IEnumerable<ReproductionRow> Capacities(Dictionary<Scenario, double[]> rates, string memory)
    {
        double[] gains = [.. rates.Values.Select(r => r[0] / Math.Max(r[1], r[2]))];
        yield return new(
            "capacity at 90 % attainment over the better of vLLM and Sarathi, mean of the scenarios", Checked("2.2×"),
                RowText.Times(gains.Average()),
            Agreement.IsNear(gains.Average(), 2.2),
            "Paper: six scenarios, models of 7B to 66B. "
                + RowText.List(rates.Zip(gains, (r, g) => (r.Key.Name, RowText.Times(g)))) + ". " + memory);
        foreach (var (scenario, r) in rates)
        {
            yield return new(
                $"{scenario.Name}: SLOs-Serve > Sarathi > vLLM", Inferred("yes"), r[0] > r[2] && r[2] > r[1] ? "yes" : "no", r[0] > r[2]
                    && r[2] > r[1],
                $"{RowText.PerSecond(r[0])}, {RowText.PerSecond(r[2])}, {RowText.PerSecond(r[1])}." + Fixed(scenario, r));
        }

        yield return new(
            "the gap is largest where promises are mixed", Inferred("yes"), RowText.Times(gains[3]), gains[3] >= gains.Max() - 1e-9,
            "Half of the chats at 50 ms per token, half at 100 ms. Of chats memory holds fewer than their pace allows, so that planning "
            + "has little to gain; of code, with long prompts and short answers, it holds enough.");
    }

    /// <summary>What the gain is where memory and the cap on sequences do not bind all systems alike: no experiment of the paper.</summary>
    private static string Memory(Dictionary<Scenario, double[]> ample)
    {
        double[] gains = [.. ample.Values.Select(r => r[0] / Math.Max(r[1], r[2]))];
        return "A part of the difference is memory and the cap of 256 sequences, which bind every system before the pace does: with "
            + $"ten times the memory and no cap the mean is {RowText.Times(gains.Average())} ("
            + RowText.List(ample.Zip(gains, (r, g) => (r.Key.Name, RowText.Times(g))))
            + "). The rest is not found; Sarathi has the largest budget that the tightest pace allows, a strong baseline.";
    }

    /// <summary>Why Sarathi falls behind where prompts are long and the pace is tight.</summary>
    private static string Fixed(Scenario s, double[] rates) => rates[2] > rates[1]
        ? ""
        : FormattableString.Invariant(
            $" The pace allows Sarathi {(s.Tightest - FixedMilliseconds) / PerTokenMilliseconds:0} tokens a step, and with prompts ")
          + FormattableString.Invariant($"of {s.Load.PromptTokensMean:0} in the mean most steps are that: ")
          + FormattableString.Invariant($"the fixed {FixedMilliseconds} ms are ")
          + FormattableString.Invariant($"{FixedMilliseconds / s.Tightest * 100:0} % of its time, while vLLM computes a prompt whole.");

    /// <summary>Half as much again as its capacity: who was admitted, and first come, first served.</summary>
    private static Func<IEnumerable<ReproductionRow>> Overload(ReproductionContext context, Scenario s, double rate)
    {
        var own = context.Later(() =>
        {
            var run = s.Trials.Run(s_own, rate);
            var (kept, admitted) = (0, 0);
            for (var i = 0; i < run.Log.Count; i++)
            {
                if (run.Log.Relegated[i]) continue;
                admitted++;
                if (IsKept(run, i)) kept++;
            }

            return (Admitted: admitted / (double)run.Log.Count, Kept: kept / (double)admitted, All: s.Trials.Kept(run));
        });
        var others = Systems(s).Skip(1).Select(c => (c.Name, Job: context.Later(() => s.Trials.KeptAt(c, rate)))).ToArray();
        return () =>
        [
            new(
                "at 1.5 times its capacity, mixed: promises kept of those admitted", Inferred("close to 100 %"),
                RowText.Percent(own.Result.Kept),
                own.Result.Kept >= 0.98, $"{RowText.Percent(own.Result.Admitted)} are admitted."),
            new(
                "the same, of all: SLOs-Serve, others", Inferred("others collapse"),
                string.Join(", ", others.Select(o => RowText.Percent(o.Job.Result)).Prepend(RowText.Percent(own.Result.All))),
                others.All(o => o.Job.Result < own.Result.All / 1.5), "Compared: others keep less than two thirds as many."),
        ];
    }

    /// <summary>Four engines, on and off: the next engine is tried, or the first has to take it.</summary>
    private static Func<IEnumerable<ReproductionRow>> Routing(ReproductionContext context, Scenario s)
    {
        var duration = TimeSpan.FromMinutes(context.IsSmall ? 4 : 15);
        var workload = s.Load.At([2, 30], TimeSpan.FromSeconds(5), duration);
        var trials = new PromiseTrials(s.Load, duration, Options(4), IsKept);
        Job<double> With(int tries) => context.Later(
            () => trials.Kept(trials.Run(s_own with { Settings = [FormattableString.Invariant($"tries={tries}")] }, workload)));
        var (all, one) = (With(0), With(1));
        return () =>
        [
            new(
                "four engines, coder, bursts: kept with and without trying the next engine", Summarised("with is better"),
                $"{RowText.Percent(all.Result)}, {RowText.Percent(one.Result)}", all.Result > one.Result,
                "2 and 30 requests/s in turn, 5 s each; the paper's bursts are of the Azure trace."),
        ];
    }

    private static PageSection Bars(Dictionary<Scenario, double[]> rates) => new PageSection("Capacity").Plot(new()
    {
        Title = "Requests/s at 90 % attainment, OPT-6.7B",
        Kind = PlotKind.Bar,
        X = new("requests/s", Min: 0),
        Y = new("scenario"),
        Categories = [.. rates.Keys.Select(s => s.Name)],
        Series =
        [
            .. s_names.Select((name, k) =>
                new PlotSeries(name, [.. rates.Values.Select((r, i) => ((double)i, r[k]))])),
        ],
    });
}
