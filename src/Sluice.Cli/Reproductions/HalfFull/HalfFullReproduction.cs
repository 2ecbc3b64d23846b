using Sluice.Core;
using Sluice.Simulation;
using static Sluice.Cli.PaperFigure;
using static Sluice.Cli.RowText;

namespace Sluice.Cli;

/// <summary>The survey's engine policies on one engine and its load balancers on four, around saturation.</summary>
/// <remarks>The paper's numbers are not known to us, so the rows are its findings [V, S] and the shape that the card expects
/// [I], each with a limit set before it was run. LARRY and SAL are inferred from descriptions [I].</remarks>
public sealed class HalfFullReproduction : IReproduction
{
    private const int Engines = 4;
    private const string Profile = "llama-2-13b@a100";
    private const double Light = 0.5, Past = 1.15;

    /// <summary>Draws of the traffic. Around saturation a queue of one draw says little: it may collapse at 0.95 or at 1.05.</summary>
    private const int Draws = 4;

    private static readonly Contender s_fcfs = new("FCFS", "vllm-v1");
    private static readonly Contender s_reserving = new("No-Preempt", "no-preempt");
    private static readonly Contender s_larry = new("LARRY", "larry");
    private static readonly Contender s_trail = new("TRAIL", "trail");
    private static readonly Contender s_ranked = new("LTR", "ltr-rank");
    private static readonly Contender s_shortest = new("SJF, lengths known", "sjf");

    private static readonly Contender s_setAside = new("S3", "s3");
    private static readonly Contender s_alike = new("PiA", "pia");
    private static readonly Contender s_feedback = new("FastServe", "fastserve");

    private static readonly Contender[] s_policies =
        [s_fcfs, s_reserving, s_setAside, s_alike, s_trail, s_ranked, s_feedback, s_larry, s_shortest];

    private static readonly string[] s_balancers = ["round-robin", "random", "two-choices", "least-kv", "sal"];
    private static readonly double[] s_shares = [Light, 0.8, 0.95, 1, 1.05, Past];
    private static readonly double[] s_near = [0.95, 1, 1.05];

    public string Name => "half-full";

    public string Title => "Is the GPU Half-Empty or Half-Full? Practical Scheduling Techniques for LLMs (Kossmann et al., 2024)";

    public string About =>
        "Published engine schedulers and load balancers as drop-in parts, and two that need no predictor: LARRY orders the queue by "
        + "memory demand under pressure, SAL routes by queued tokens and memory.";

    public ReproductionResult Run(ReproductionContext context)
    {
        var count = context.IsSmall ? 12_000 : 60_000;
        var duration = TimeSpan.FromSeconds(context.IsSmall ? 600 : 2400);
        PoissonLoad[] mixed =
        [
            .. Enumerable.Range(0, Draws).Select(draw => new PoissonLoad(
                "conversations", "lengths=azure-conv", count, context.Seed + (ulong)draw, static (p, o) => Cut(p, o))),
        ];
        var constant = new PoissonLoad("of one length", "prompt=1000,output=200", count, context.Seed, static (p, o) => (p, o));

        // Where FCFS begins to queue, on the first draw: rates of the other experiments are shares of it.
        var full = RateSearch.Highest(2.4, 0.5, rate => RunSummary.Of(Trial(s_fcfs, 1, rate, mixed[0])).All.Ttft.Mean / 1000).Rate;
        var one = s_policies.ToDictionary(p => p, p => s_shares.ToDictionary(s => s, s => OverDraws(p, 1, s * full)));
        var four = new Dictionary<(string Router, string Policy), Job<Point>[]>();
        foreach (var router in s_balancers)
            foreach (var policy in (Contender[])[s_fcfs, s_larry])
                four[(router, policy.Name)] = [.. s_near.Select(s => OverDraws(Routed(policy, router), Engines, s * Engines * full))];
        var equal = s_balancers.ToDictionary(
            r => r, r => context.Later(() => Point.Of(Trial(Routed(s_fcfs, r), Engines, 0.9 * Engines * full, constant))));
        context.RunAll();

        Func<Contender, double, Point> at = (policy, share) => one[policy][share].Result;
        Func<Contender, Point> near = policy => Point.Of([.. s_near.Select(share => at(policy, share))]);
        Func<string, Contender, Point> routed = (router, policy) => Point.Of([.. four[(router, policy.Name)].Select(j => j.Result)]);
        return new(
            [.. OneEngine(at, near, full), .. FourEngines(routed, router => equal[router].Result)], Sections(full, at, near, routed));

        Job<Point> OverDraws(Contender system, int engines, double rate) =>
            context.Later(() => Point.Of([.. mixed.Select(load => Point.Of(Trial(system, engines, rate, load)))]));

        RunResult Trial(Contender system, int engines, double rate, PoissonLoad load) =>
            Cli.Trial.Run(load.At(rate, duration), system.Make(), new SimulationOptions
            {
                Engines = [.. Enumerable.Repeat((EngineSetup)ProfileCatalog.Find(Profile), engines)],
            });
    }

    /// <summary>What the rows read from a run, or from several; the runs themselves are then let go.</summary>
    /// <param name="Ttft">Mean [s]; of several runs the geometric mean, so that one that collapsed does not decide alone.</param>
    /// <param name="TtftP99">Likewise.</param>
    /// <param name="Rate">Answers/s, mean.</param>
    /// <param name="Preemptions">Sum.</param>
    /// <param name="KvUsed">Share, mean.</param>
    /// <param name="LongestWait">Until the first step [s].</param>
    private sealed record Point(double Ttft, double TtftP99, double Rate, long Preemptions, double KvUsed, double LongestWait)
    {
        public static Point Of(IReadOnlyList<Point> points) => new(
            Geometric(points, p => p.Ttft), Geometric(points, p => p.TtftP99), points.Average(p => p.Rate),
            points.Sum(p => p.Preemptions), points.Average(p => p.KvUsed), points.Max(p => p.LongestWait));

        private static double Geometric(IReadOnlyList<Point> points, Func<Point, double> value) =>
            Math.Exp(points.Average(p => Math.Log(value(p))));

        public static Point Of(RunResult run)
        {
            var summary = RunSummary.Of(run);
            var longest = Enumerable.Range(0, run.Log.Count).Max(i => run.Log.Started[i] - run.Log.Arrival[i]);
            return new(
                summary.All.Ttft.Mean / 1000, summary.All.Ttft.P99 / 1000, summary.RequestsPerSecond, summary.Preemptions,
                Cli.Trial.MeanWhileLoaded(run, s => s.KvUsed), longest / (double)TimeSpan.TicksPerSecond);
        }
    }

    private const string Around = "four draws at 0.95, 1 and 1.05 of saturation, geometric mean of mean TTFT";

    private static Contender Routed(Contender policy, string router) =>
        new($"{policy.Name}, {router}", policy.System, $"router={router}");

    /// <summary>Llama 2's context.</summary>
    private static (int, int)? Cut(int prompt, int output)
    {
        const int context = 4096;
        prompt = Math.Min(prompt, context - 256);
        return (prompt, Math.Min(output, context - prompt));
    }

    private static IEnumerable<ReproductionRow> OneEngine(
        Func<Contender, double, Point> at, Func<Contender, Point> near, double full)
    {
        var light = s_policies.Where(p => p != s_alike).Select(p => at(p, Light).Ttft).ToArray();
        var (fcfs, larry, reserving) = (near(s_fcfs), near(s_larry), near(s_reserving));
        Contender[] optimistic = [s_fcfs, s_trail, s_ranked, s_feedback, s_larry];
        Contender[] predicting = [s_setAside, s_trail, s_ranked];
        yield return new(
            "below 60 % KV use all policies are equal", Inferred("equal"), $"TTFT {Seconds(light.Min())} to {Seconds(light.Max())}",
            light.Max() <= 1.05 * light.Min() && at(s_fcfs, Light).KvUsed < 0.6,
            $"mean TTFT within 5 % of each other, but for PiA's static batches ({Seconds(at(s_alike, Light).Ttft)}); "
            + $"{Percent(at(s_fcfs, Light).KvUsed)} of KV in use at {PerSecond(Light * full)}");
        yield return new(
            "LARRY against FCFS near saturation: lower TTFT, higher throughput, few preemptions", Checked("yes"),
            $"TTFT {Times(larry.Ttft / fcfs.Ttft)}, throughput {Times(larry.Rate / fcfs.Rate)}",
            larry.Ttft < 0.95 * fcfs.Ttft && larry.Rate >= fcfs.Rate && larry.Preemptions <= fcfs.Preemptions,
            $"{Around}: mean TTFT {Seconds(larry.Ttft)} and {Seconds(fcfs.Ttft)}, preemptions {larry.Preemptions} and "
            + $"{fcfs.Preemptions}; agrees if TTFT is at least 5 % lower and neither throughput nor preemptions are worse");
        yield return new(
            "near saturation FCFS is the worst of the optimistic policies", Inferred("yes"),
            List(optimistic.Select(p => (p.Name, Seconds(near(p).Ttft)))),
            optimistic.All(p => near(p).Ttft <= 1.02 * fcfs.Ttft), "mean TTFT, within 2 %. TRAIL recomputes whom it preempts, and once "
            + "memory is full loses capacity by it");
        var best = predicting.Min(p => near(p).Ttft);
        yield return new(
            "LARRY comes close to policies that predict lengths", Inferred("close"), Times(larry.Ttft / best), larry.Ttft <= 1.3 * best,
            "mean TTFT over the best of S3, TRAIL and LTR; agrees up to 1.3. SJF, told the lengths and none of the paper's, has "
            + $"{Seconds(near(s_shortest).Ttft)}");
        yield return new(
            "No-Preempt: no preemption, lower throughput, longer TTFT", Inferred("yes"),
            $"{reserving.Preemptions} preemptions, TTFT {Times(reserving.Ttft / fcfs.Ttft)}, "
            + $"throughput {Times(at(s_reserving, Past).Rate / at(s_fcfs, Past).Rate)}",
            reserving.Preemptions == 0 && reserving.Ttft > fcfs.Ttft && at(s_reserving, Past).Rate < at(s_fcfs, Past).Rate,
            $"against FCFS; throughput at {PerSecond(Past * full)}, where FCFS loses {at(s_fcfs, Past).Preemptions} computations to "
            + "preemption and what is reserved loses none");
        var (starved, bounded) = (at(s_shortest, Past).LongestWait, at(s_larry, Past).LongestWait);
        yield return new(
            "pure shortest first starves long requests; LARRY does not", Summarised("yes"),
            $"longest wait {Seconds(starved)}, LARRY {Seconds(bounded)}, FCFS {Seconds(at(s_fcfs, Past).LongestWait)}",
            bounded < starved, $"until the first step, at {PerSecond(Past * full)}: nobody is put back in LARRY's queue by more than eight "
            + "times two mean waits or ten minutes");
    }

    private static IEnumerable<ReproductionRow> FourEngines(Func<string, Contender, Point> at, Func<string, Point> equal)
    {
        string[] others = [.. s_balancers.Where(r => r != "sal")];
        var sal = at("sal", s_fcfs);
        yield return new(
            "two choices better than round robin and random", Inferred("yes"),
            List(s_balancers.Select(r => (r, Seconds(at(r, s_fcfs).TtftP99)))),
            at("two-choices", s_fcfs).TtftP99 < Math.Min(at("random", s_fcfs).TtftP99, at("round-robin", s_fcfs).TtftP99),
            "p99 TTFT on four engines below FCFS, the same draws and rates. Where lengths are drawn alike, taking turns already spreads "
            + "them well");
        yield return new(
            "SAL is the best balancer on mixed prompt lengths", Inferred("yes"),
            $"p99 TTFT {Times(sal.TtftP99 / others.Min(r => at(r, s_fcfs).TtftP99))} of the next",
            others.All(r => sal.TtftP99 < at(r, s_fcfs).TtftP99), "the same runs");
        var (a, b) = (equal("sal").Ttft, equal("round-robin").Ttft);
        yield return new(
            "equal when all lengths are the same", Inferred("equal"), $"SAL {Times(a / b)} of round robin", a / b is >= 0.95 and <= 1.05,
            "mean TTFT within 5 %, prompts of 1,000 and answers of 200 tokens at 0.9 of saturation");
        var (both, plain) = (at("sal", s_larry), at("round-robin", s_fcfs));
        yield return new(
            "SAL and LARRY against round robin and FCFS: lower TTFT, higher throughput", Checked("yes"),
            $"TTFT {Times(both.Ttft / plain.Ttft)}, throughput {Times(both.Rate / plain.Rate)}",
            both.Ttft < 0.95 * plain.Ttft && both.Rate >= 0.999 * plain.Rate, "four engines, the same runs; throughput within 0.1 %, "
            + "because below overload it is the arrival rate");
        yield return new(
            "Llumnix's balancing with migration", Checked("compared"), "-", false,
            "not reproduced: no such system here yet. least-kv balances by its measure, memory in use, without moving anybody");
    }

    private static List<PageSection> Sections(
        double full, Func<Contender, double, Point> one, Func<Contender, Point> near, Func<string, Contender, Point> four) =>
    [
        new PageSection("One engine over the rate")
            .Plot(Curves("Mean TTFT", "TTFT [s]", one, p => p.Ttft, isLog: true))
            .Plot(Curves("Throughput", "requests/s answered", one, p => p.Rate))
            .Plot(Curves("Preemptions", "preemptions", one, p => p.Preemptions)),
        new PageSection("One engine around saturation").Table(
            ["policy", "mean TTFT", "p99 TTFT", "requests/s", "preemptions", "longest wait"],
            [.. s_policies.Select(p => Line(p.Name, near(p)))]).Paragraph(Around + "."),
        new PageSection("Four engines around saturation").Table(
            ["balancer, policy", "mean TTFT", "p99 TTFT", "requests/s", "preemptions", "longest wait"],
            [
                .. from router in s_balancers from policy in (Contender[])[s_fcfs, s_larry]
                select Line($"{router}, {policy.Name}", four(router, policy)),
            ]),
        new PageSection("Assumptions").List(
        [
            "Systems: " + string.Join("; ", s_policies.Select(s => s.ToString())) + ".",
            $"Engine: {Profile}; lengths of the Azure conversation trace, cut to a context of 4,096 tokens; Poisson arrivals. The "
            + "paper's engines and traces are not known to us.",
            $"Saturation, {PerSecond(full)}, is the highest rate at which FCFS keeps mean TTFT within 0.5 s on one engine. "
            + "Single runs around it were looked at first and differ widely from draw to draw, so several draws and rates were "
            + "taken together.",
        ]),
    ];

    private static IReadOnlyList<string> Line(string name, Point p) =>
        [name, Seconds(p.Ttft), Seconds(p.TtftP99), PerSecond(p.Rate), $"{p.Preemptions}", Seconds(p.LongestWait)];

    private static Plot Curves(
        string title, string axis, Func<Contender, double, Point> one, Func<Point, double> value, bool isLog = false) => new()
    {
        Title = title,
        X = new("rate over saturation"),
        Y = new(axis, IsLog: isLog),
        Series = [.. s_policies.Select(p => new PlotSeries(p.Name, [.. s_shares.Select(s => (s, value(one(p, s))))]) { HasDots = true })],
    };
}
