using Sluice.Simulation;
using static Sluice.Cli.PaperFigure;
using static Sluice.Cli.RowText;

namespace Sluice.Cli;

/// <summary>The annealing mapper against order of arrival, by the size of the pool and of the batch.</summary>
public sealed class SaSloReproduction : IReproduction
{
    private static readonly int[] s_pools = [10, 20, 40, 80];
    private static readonly int[] s_batches = [1, 2, 4, 8];

    private static readonly Contender s_fcfs = new("FCFS", "vllm-v1");

    public string Name => "sa-slo";

    public string Title => "SLO-Aware Scheduling for Large Language Model Inferences (Huang et al., arXiv 2504.14966)";

    public string About =>
        "Order and batches of the waiting requests are annealed together, for the most promises kept per second of latency.";

    public ReproductionResult Run(ReproductionContext context)
    {
        var count = context.IsSmall ? 6 : 40;
        var cells = new Dictionary<(string Model, int Pool, int Batch), Trio>();
        foreach (var pool in s_pools.Reverse())
        {
            var load = SaSloSetup.Pools(pool, count, context.Seed);
            foreach (var profile in (EngineProfile[])[SaSloSetup.Qwen7B, SaSloSetup.Qwen32B])
            {
                foreach (var batch in s_batches)
                {
                    cells[(profile.Model, pool, batch)] = new(
                        context.Later(() => SaSloSetup.Run(profile, s_fcfs, load, pool, batch)),
                        context.Later(() => SaSloSetup.Run(profile, Own(batch), load, pool, batch)),
                        context.Later(() => SaSloSetup.Run(profile, Knowing(batch), load, pool, batch)));
                }
            }
        }

        // Other ways to plan the same: pools of 40, two at a time, where neither all nor none can be kept.
        const int size = 40, two = 2;
        var pools = SaSloSetup.Pools(size, count, context.Seed);
        Contender[] variants =
        [
            Own(two), Knowing(two), Own(two, "lengths wrong by half", "length=noisy", "length-sigma=0.5"),
            Own(two, "temperatures as published", "objective=raw"), Own(two, "no search", "trials=0"),
            Own(two, "batch after batch", "batches=wait"), s_fcfs, new("EDF", "edf"), new("SJF", "sjf", "length=learned"),
        ];
        var others = variants.Select(v => (
            System: v, Figures: context.Later(() => SaSloSetup.Run(SaSloSetup.Qwen7B, v, pools, size, two)))).ToArray();
        context.RunAll();

        return new(
            [
                .. Headline(Cell, ""), .. Headline(Known, ", if lengths were known"),
                .. Shapes((pool, batch) => Cell(SaSloSetup.Qwen7B, pool, batch), (pool, batch) => Known(SaSloSetup.Qwen7B, pool, batch)),
                .. Variants(others.ToDictionary(o => o.System.Name, o => o.Figures.Result)),
            ],
            Sections(Cell, Known, others.Select(o => (o.System, o.Figures.Result))));

        Comparison Cell(EngineProfile profile, int pool, int batch)
        {
            var (fcfs, own, _) = cells[(profile.Model, pool, batch)];
            return new(fcfs.Result, own.Result);
        }

        Comparison Known(EngineProfile profile, int pool, int batch)
        {
            var (fcfs, _, known) = cells[(profile.Model, pool, batch)];
            return new(fcfs.Result, known.Result);
        }
    }

    private sealed record Trio(Job<PoolFigures> Fcfs, Job<PoolFigures> Own, Job<PoolFigures> Known);

    private sealed record Comparison(PoolFigures Fcfs, PoolFigures Own);

    private static Contender Own(int batch, string name = "annealed", params string[] settings) =>
        new(name, "sa-slo", [$"batch-size={batch}", .. settings]);

    private static Contender Knowing(int batch) => Own(batch, "lengths known", "length=oracle");

    private static IEnumerable<ReproductionRow> Headline(Func<EngineProfile, int, int, Comparison> cell, string condition)
    {
        var isCondition = condition.Length > 0;
        Func<string, PaperFigure> known = isCondition ? Inferred : Summarised;
        var large = cell(SaSloSetup.Qwen32B, 40, 1);
        yield return new(
            $"attainment over FCFS: 32B on one A800, 40 requests, one at a time{condition}", known("5×"),
            Times(large.Own.Kept / large.Fcfs.Kept), Agreement.IsNear(large.Own.Kept / large.Fcfs.Kept, 5),
            $"{Percent(large.Fcfs.Kept)} and {Percent(large.Own.Kept)} kept." + (isCondition ? "" : Guessed));

        var seven = Most(SaSloSetup.Qwen7B, c => c.Own.Kept / c.Fcfs.Kept - 1);
        yield return new(
            $"7B: attainment over FCFS, at most{condition}", known("+33.4 %"), "+" + Percent(seven.Value),
            Agreement.IsNear(seven.Value, 0.334), At(seven));
        var latency = Most(SaSloSetup.Qwen7B, c => 1 - c.Own.Seconds / c.Fcfs.Seconds);
        yield return new(
            $"7B: mean latency, at most{condition}", known("-16.3 %"), Percent(-latency.Value), Agreement.IsNear(latency.Value, 0.163),
            At(latency));
        var gain = Most(SaSloSetup.Qwen7B, c => c.Own.Gain / c.Fcfs.Gain - 1);
        yield return new(
            $"7B: G, at most{condition}", known("+46.5 %"), "+" + Percent(gain.Value), Agreement.IsNear(gain.Value, 0.465), At(gain));
        var anywhere = Math.Max(latency.Value, Most(SaSloSetup.Qwen32B, c => 1 - c.Own.Seconds / c.Fcfs.Seconds).Value);
        yield return new(
            $"mean latency, at most, over all experiments{condition}", isCondition ? Inferred("-31.6 %") : Checked("-31.6 %"),
            Percent(-anywhere), Agreement.IsNear(anywhere, 0.316),
            "Both models." + (isCondition ? "" : Guessed));

        (double Value, int Pool, int Batch) Most(EngineProfile profile, Func<Comparison, double> of) => s_pools
            .SelectMany(pool => s_batches.Select(batch => (Value: of(cell(profile, pool, batch)), pool, batch)))
            .MaxBy(c => c.Value);

        string At((double Value, int Pool, int Batch) most) =>
            $"Of a pool of {most.Pool}, {most.Batch} at a time; the largest of 16 settings."
            + (isCondition
                ? " Lengths that are known are worth more than those that the paper predicted."
                : Guessed);
    }

    private const string Guessed = " Lengths are drawn from the mean and spread of their kind, which says little of one answer.";

    private static double Over(Comparison c) => c.Own.Kept / c.Fcfs.Kept;

    private static IEnumerable<ReproductionRow> Shapes(Func<int, int, Comparison> cell, Func<int, int, Comparison> known)
    {
        double Ratio(int pool, int batch) => Over(cell(pool, batch));
        yield return new(
            "the gain grows with the pool: 10, 20, 40, 80 requests, one at a time", Recalled("grows"),
            string.Join(", ", s_pools.Select(p => Times(Ratio(p, 1)))), Ratio(80, 1) > Ratio(10, 1),
            "Compared: the ends. With lengths known " + string.Join(", ", s_pools.Select(p => Times(Over(known(p, 1)))))
            + ": the longer the order, the more a wrong length spoils of it.");
        yield return new(
            "and shrinks with the batch: 1, 2, 4, 8 of 40", Recalled("shrinks"),
            string.Join(", ", s_batches.Select(b => Times(Ratio(40, b)))), Ratio(40, 8) < Ratio(40, 1), "Compared: the ends.");
        var easy = cell(10, 8);
        yield return new(
            "no gain where order of arrival keeps all: 10 requests, 8 at a time", Summarised("none"),
            $"{Percent(easy.Fcfs.Kept)} and {Percent(easy.Own.Kept)}", Math.Abs(easy.Own.Kept - easy.Fcfs.Kept) <= 0.05,
            "Within five points.");
    }

    private static IEnumerable<ReproductionRow> Variants(Dictionary<string, PoolFigures> figures)
    {
        var (own, fcfs) = (figures["annealed"], figures["FCFS"]);
        var (known, wrong, raw, none) = (
            figures["lengths known"], figures["lengths wrong by half"], figures["temperatures as published"], figures["no search"]);
        yield return new(
            "wrong lengths cost promises, and still keep more than FCFS", Inferred("yes"),
            $"known {Percent(known.Kept)}, wrong by half {Percent(wrong.Kept)}, FCFS {Percent(fcfs.Kept)}",
            known.Kept >= wrong.Kept && wrong.Kept >= fcfs.Kept, "7B, pools of 40, two at a time. That wrong lengths cost promises is in a "
            + "summary of the paper, that it is still more than FCFS is ours.");
        yield return new(
            "annealing finds more G than the better of its two starts", Inferred("yes"),
            $"{PerThousand(own.Gain)} against {PerThousand(none.Gain)} per 1,000 s", own.Gain > none.Gain,
            "The starts are shortest first and order of arrival.");
        yield return new(
            "temperatures as published accept nearly every worse move", Inferred("so a worse plan"),
            $"{PerThousand(raw.Gain)} against {PerThousand(own.Gain)} per 1,000 s", raw.Gain <= own.Gain,
            "G is far below temperatures of 20 to 500; ours count a loss as a share of the start's G.");
    }

    private static List<PageSection> Sections(
        Func<EngineProfile, int, int, Comparison> cell, Func<EngineProfile, int, int, Comparison> known,
        IEnumerable<(Contender System, PoolFigures Figures)> variants)
    {
        return
        [
            Promises(SaSloSetup.Qwen7B), Promises(SaSloSetup.Qwen32B),
            new PageSection("Pools of 40, two at a time, 7B").Table(
                ["system", "kept", "mean latency", "G per 1,000 s"],
                [.. variants.Select(v => (IReadOnlyList<string>)
                    [v.System.ToString(), Percent(v.Figures.Kept), Seconds(v.Figures.Seconds), PerThousand(v.Figures.Gain)])]),
            new PageSection("Assumptions").List(
            [
                "The 7B engine is the paper's latency model as recalled, of low confidence [R]; the 32B engine is a roofline [I].",
                "Lengths are predicted as the mean and spread of the kind of request, learnt from two pools that are not counted.",
                "An engine runs so many sequences at once, of FCFS as of the mapper; the batch's size caps it, and whoever ends makes "
                + "room.",
                "Optimality on small pools and the time of a plan are in the tests and the benchmark: a reproduction has no clock.",
            ]),
        ];

        PageSection Promises(EngineProfile profile) => new PageSection(
            $"Promises kept, {profile.Name}: FCFS, annealed, and with lengths known").Table(
            ["pool", .. s_batches.Select(b => $"{b} at a time")],
            [.. s_pools.Select(p => (IReadOnlyList<string>)
                [$"{p}", .. s_batches.Select(b => Line(cell(profile, p, b), known(profile, p, b)))])]);

        static string Line(Comparison c, Comparison k) => $"{Percent(c.Fcfs.Kept)}, {Percent(c.Own.Kept)}, {Percent(k.Own.Kept)}";
    }

    /// <summary>G in promises kept per 1,000 s of latency.</summary>
    private static string PerThousand(double gain) => FormattableString.Invariant($"{gain * 1000:0.##}");
}
