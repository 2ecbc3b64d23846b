using Sluice.Core;
using Sluice.Simulation;
using static Sluice.Cli.PaperFigure;

namespace Sluice.Cli;

/// <summary>QoServe's evaluation on one replica, and its fleet that replaces silos.</summary>
public sealed class NiyamaReproduction : IReproduction
{
    /// <summary>Share of promises kept at which a rate counts as served.</summary>
    private const double Enough = 0.99;

    private const double Overload = 6; // requests/s

    private const string Short =
        "The shorter the run, the less of an overload shows: promises of ten minutes and more let much of it pass.";

    private static readonly Contender[] s_ladder = [NiyamaSetup.Edf, NiyamaSetup.WithChunks, NiyamaSetup.WithRelegation,
        NiyamaSetup.QoServe];

    private static readonly double[] s_rates = [2, 2.5, 3, 3.5, 4, 5, 6];

    public string Name => "niyama";

    public string Title => "QoServe: Breaking the Silos of LLM Inference Serving (Goel et al., ASPLOS 2026; as Niyama, arXiv 2503.22562)";

    public string About =>
        "Interactive and batch classes share a replica: prompts by deadline and length, chunks as long as the decodes' slack allows, "
        + "and requests that would be late step back.";

    public ReproductionResult Run(ReproductionContext context)
    {
        var duration = TimeSpan.FromMinutes(context.IsSmall ? 40 : 120);
        var load = NiyamaSetup.Load(context, "Azure code", (int)(9 * duration.TotalSeconds), NiyamaSetup.EqualShares);
        var trials = NiyamaSetup.Trials(load, duration);
        Contender[] all = [NiyamaSetup.Fcfs, NiyamaSetup.Srpf, .. s_ladder];

        var goodput = all.Where(c => c != NiyamaSetup.Srpf)
            .ToDictionary(c => c, c => context.Later(() => trials.HighestRate(c, c == NiyamaSetup.Fcfs ? 1.7 : 3, Enough)));
        var sweep = all.ToDictionary(c => c, c => s_rates.Select(rate => context.Later(() => 1 - trials.KeptAt(c, rate))).ToArray());
        var mixes = Mixes(context, duration);
        var diurnal = Diurnal(context);
        var fleets = new NiyamaFleets(context);
        context.RunAll();

        var rates = goodput.ToDictionary(g => g.Key, g => g.Value.Result.Rate);
        var broken = all.ToDictionary(c => c, c => sweep[c].Select(j => j.Result).ToArray());
        return new(
            [.. Goodput(rates), .. AtOverload(broken), .. mixes(), .. diurnal(), .. fleets.Rows()],
            [Curves(broken), new PageSection("What they are here").List([.. all.Select(c => c.ToString())])]);
    }

    private static IEnumerable<ReproductionRow> Goodput(Dictionary<Contender, double> rates)
    {
        var (fcfs, edf, own) = (rates[NiyamaSetup.Fcfs], rates[NiyamaSetup.Edf], rates[NiyamaSetup.QoServe]);
        yield return new(
            "goodput per replica (at most 1 % late), QoServe over FCFS", Checked("1.5-2.4×"), RowText.Times(own / fcfs),
            Agreement.IsInside(own / fcfs, 1.5, 2.4),
                $"{RowText.PerSecond(own)} against {RowText.PerSecond(fcfs)}; paper, Azure code: 3.65/s and 1.5/s [I].");
        yield return new(
            "the same over EDF", Checked("1.2-1.4×"), RowText.Times(own / edf), Agreement.IsInside(own / edf, 1.2, 1.4),
            $"{RowText.PerSecond(own)} against {RowText.PerSecond(edf)}; paper: 3.65/s and 2.75/s [I].");
        var chunks = rates[NiyamaSetup.WithChunks];
        yield return new(
            "ablation at the best load: dynamic chunks over EDF", Inferred("1.2×"), RowText.Times(chunks / edf),
            Agreement.IsNear(chunks / edf, 1.2),
            "Paper 2.75, 3.3, 3.6 and 3.65/s: values of a chart, whose assignment to its bars is inferred. Ours "
            + RowText.List(s_ladder.Select(c => (c.Name, RowText.PerSecond(rates[c])))) + ".");
        var gains = (Chunks: chunks - edf, All: own - edf);
        yield return new(
            "most of the gain at the best load is that of dynamic chunks", Inferred("0.55 of 0.9/s"),
            $"{RowText.PerSecond(gains.Chunks)} of {RowText.PerSecond(gains.All)}", gains.Chunks > gains.All / 2, "");
    }

    private static IEnumerable<ReproductionRow> AtOverload(Dictionary<Contender, double[]> broken)
    {
        var at = Array.IndexOf(s_rates, Overload);
        double[] ladder = [.. s_ladder.Select(c => broken[c][at])];
        yield return new(
            "late at 6/s: EDF, + dynamic chunks, + relegation, + hybrid priority", Checked("100, 74, 26, 16 %"),
            string.Join(", ", ladder.Select(l => RowText.Percent(l))), ladder.Zip(ladder.Skip(1)).All(p => p.First >= p.Second)
                && ladder[0] > 0.9,
            "Compared: the order of the four, and EDF above 90 %. " + Short);
        var lowest = s_rates.Select((_, i) => broken[NiyamaSetup.QoServe][i] <= broken.Values.Min(b => b[i]) + 0.01).All(b => b);
        yield return new(
            "2 to 6/s: QoServe has the fewest late requests at every rate", Checked("yes"), lowest ? "yes" : "no", lowest,
            "Within one point. " + string.Join("; ", s_rates.Select((r, i) => $"{RowText.PerSecond(r)}: "
                + string.Join(" / ", ((Contender[])[NiyamaSetup.Fcfs, NiyamaSetup.Srpf, NiyamaSetup.Edf, NiyamaSetup.QoServe])
                    .Select(c => RowText.Percent(broken[c][i]))))) + " (FCFS / SRPF / EDF / QoServe).");
        var fcfsFirst = FirstOver(broken[NiyamaSetup.Fcfs], 0.01) <= FirstOver(broken[NiyamaSetup.Edf], 0.01);
        yield return new(
            "FCFS collapses first, EDF later and at once", Checked("yes"), fcfsFirst ? "FCFS first" : "EDF first", fcfsFirst
                && broken[NiyamaSetup.Edf][at] > 0.9,
            $"More than 1 % late from {RowText.PerSecond(s_rates[FirstOver(broken[NiyamaSetup.Fcfs], 0.01)])} and "
            + $"{RowText.PerSecond(s_rates[FirstOver(broken[NiyamaSetup.Edf], 0.01)])}; "
            + $"EDF {RowText.Percent(broken[NiyamaSetup.Edf][at])} at 6/s. Compared: also that EDF is above 90 % then. {Short}");
    }

    private static int FirstOver(double[] broken, double limit) => Math.Max(0, Array.FindIndex(broken, b => b > limit)) is var i
        && broken[i] > limit ? i : broken.Length - 1;

    /// <summary>Other shares of the classes, at 4.5/s.</summary>
    private static Func<IEnumerable<ReproductionRow>> Mixes(ReproductionContext context, TimeSpan duration)
    {
        const double rate = 4.5;
        Contender[] systems = [NiyamaSetup.Fcfs, NiyamaSetup.Edf, NiyamaSetup.QoServe];
        var cases = new List<(string Name, double[] Paper, Job<double>[] Broken)>();
        foreach (var (q1, q2, q3, paper) in ((double, double, double, double[])[])[(70, 15, 15, [1, 0.98, 0.05]), (15, 15, 70, [1,
            0.828, 0.005])])
        {
            var slo = FormattableString.Invariant($"q1:{q1},ttft=6s,tpot=50ms;q2:{q2},e2e=10m;q3:{q3},e2e=30m");
            var trials = NiyamaSetup.Trials(
                NiyamaSetup.Load(context, $"mix {q1}", (int)(6 * duration.TotalSeconds), slo), duration);
            cases.Add(($"{q1}-{q2}-{q3}", paper, [.. systems.Select(c => context.Later(() => 1 - trials.KeptAt(c, rate)))]));
        }

        return () => cases.Select(c =>
        {
            double[] ours = [.. c.Broken.Select(j => j.Result)];
            return new ReproductionRow(
                $"late at 4.5/s with shares {c.Name}: FCFS, EDF, QoServe",
                Checked(string.Join(", ", c.Paper.Select(p => RowText.Percent(p)))),
                string.Join(", ", ours.Select(p => RowText.Percent(p))), ours[2] < ours[1] && ours[2] < ours[0] && ours[2] <= 0.15,
                "Compared: QoServe is lowest, and below 15 %. " + Short);
        });
    }

    /// <summary>2 and 5/s in turn, a fifth of low importance.</summary>
    private static Func<IEnumerable<ReproductionRow>> Diurnal(ReproductionContext context)
    {
        var duration = TimeSpan.FromHours(context.IsSmall ? 2 : 4);
        const string slo = "q1:4,ttft=6s,tpot=50ms;q2:4,e2e=10m;q3:4,e2e=30m;"
            + "q1-low:1,ttft=6s,tpot=50ms,priority=1;q2-low:1,e2e=10m,priority=1;q3-low:1,e2e=30m,priority=1";
        var load = NiyamaSetup.Load(context, "diurnal", (int)(4 * duration.TotalSeconds), slo);
        var trials = NiyamaSetup.Trials(load, duration);
        var workload = load.At([2, 5], TimeSpan.FromMinutes(15), duration);
        Contender[] systems = [NiyamaSetup.Fcfs, NiyamaSetup.Edf, NiyamaSetup.QoServe];
        var runs = systems.Select(c => context.Later(() =>
        {
            var run = trials.Run(c, workload);
            return (All: 1 - trials.Kept(run), Important: 1 - trials.Kept(run, r => r.Priority == 0), InTrough: LateInTroughs(trials, run));
        })).ToArray();

        return () =>
        {
            var (all, own) = (runs.Select(r => r.Result.All).ToArray(), runs[2].Result);
            return
            [
                new(
                    "2 and 5/s in turn every 15 min, late: FCFS, EDF, QoServe", Checked("81.9, 84.1, 8.6 %"),
                    string.Join(", ", all.Select(a => RowText.Percent(a))), all[2] < 0.15 && all[0] > 2 * all[2] && all[1] > 2 * all[2],
                    "Compared: QoServe below 15 %, the others more than twice as many."),
                new(
                    "the same, important requests, QoServe", Checked("0 %"), RowText.Percent(own.Important), own.Important < 0.01,
                    "80 % of the requests. The rule by which low importance steps back is ours [I]: see the system's page."),
                new(
                    "recovery: late in the second half of the troughs, FCFS, EDF, QoServe", Checked("the baselines never recover"),
                    string.Join(", ", runs.Select(r => RowText.Percent(r.Result.InTrough))), own.InTrough < 0.01
                        && runs[0].Result.InTrough > own.InTrough,
                    "Important requests that arrive in the second half of a trough."),
            ];
        };
    }

    /// <summary>Of the important requests that arrive in the second half of a quiet quarter of an hour after the first burst.</summary>
    private static double LateInTroughs(PromiseTrials trials, RunResult run) => 1 - trials.Kept(
        run, r => r.Priority == 0 && r.Arrival.Seconds > 1800 && r.Arrival.Seconds % 1800 is > 450 and < 900);

    private static PageSection Curves(Dictionary<Contender, double[]> broken) => new PageSection("Late requests over the rate").Plot(new()
    {
        Title = "Late requests, Llama3-8B on an A100, three classes",
        X = new("requests/s"),
        Y = new("late", IsShare: true, Min: 0, Max: 1),
        Series =
        [
            .. broken.Select(b => new PlotSeries(b.Key.Name, [.. s_rates.Zip(b.Value)])
            {
                HasDots = true,
                Detail = b.Key.ToString(),
            }),
        ],
    });
}
