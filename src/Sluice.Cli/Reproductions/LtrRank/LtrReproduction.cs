using Sluice.Core;
using Sluice.Policies;
using Sluice.Simulation;
using static Sluice.Cli.PaperFigure;

namespace Sluice.Cli;

/// <summary>Learning to rank: what an order of a given quality is worth, at a burst, at rates, for synthetic data, and for the
/// longest.</summary>
public sealed class LtrReproduction : IReproduction
{
    /// <summary>Spread of the noise for a given Kendall tau on ShareGPT lengths; the tau that comes out is measured.</summary>
    private static readonly (double Tau, string Sigma)[] s_taus = [(0.2, "2.8"), (0.5, "0.9"), (0.6, "0.65")];

    private static readonly Contender s_fcfs = new("FCFS", "vllm-v1");
    private static readonly Contender s_oracle = new("oracle SRTF", "srpt");

    /// <summary>The paper's tau for Llama-3-8B on ShareGPT is 0.52.</summary>
    private static readonly Contender s_ltr = new("LTR", "ltr-rank", "length=noisy", "length-sigma=0.9");

    public string Name => "ltr-rank";

    public string Title => "Efficient LLM Scheduling by Learning to Rank (Fu et al., NeurIPS 2024)";

    public string About => "The order of output lengths is enough to serve short answers first, and is easier to learn than the lengths.";

    public ReproductionResult Run(ReproductionContext context)
    {
        var burst = context.IsSmall ? 1000 : 2000;
        var load = Load(context, 40_000);
        var workload = AtOnce(load, burst);
        Contender[] ladder =
        [
            s_fcfs, .. s_taus.Select(t => new Contender($"tau {t.Tau}", "ltr-rank", "length=noisy", $"length-sigma={t.Sigma}")),
            new("tau 1", "ltr-rank", "length=oracle"), s_oracle,
        ];
        var bursts = ladder.Select(c => context.Later(() => PerToken(Run(c, workload)))).ToArray();
        var taus = s_taus.Select(t => context.Later(() => Tau(workload, double.Parse(t.Sigma,
            System.Globalization.CultureInfo.InvariantCulture)))).ToArray();

        var duration = TimeSpan.FromSeconds(context.IsSmall ? 120 : 600);
        var trials = new PromiseTrials(load, duration, Options());
        var full = RateSearch.Highest(8, 0.1, rate => Trial.NormalizedLatency(trials.Run(s_fcfs, rate))).Rate;
        (double Share, Job<double>[] Jobs)[] rates = [.. ((double[])[0.5, 1.1, 1.4]).Select(share => (
            share, ((Contender[])[s_fcfs, s_ltr, s_oracle]).Select(c => context.Later(() => PerToken(trials.Run(c,
                share * full)).Mean)).ToArray()))];

        var queued = context.IsSmall ? 4000 : 10_000;
        var samples = AtOnce(load, queued);
        var until = ((Contender[])[s_fcfs, s_ltr]).Select(c => context.Later(() => TimeOf(Run(c, samples), queued / 10))).ToArray();

        Contender guarded = s_ltr with { Settings = [.. s_ltr.Settings, "starved-after=200", "quantum=10"] };
        var waits = ((Contender[])[s_ltr, guarded]).Select(c => context.Later(() => Wait(trials.Run(c, 1.1 * full)))).ToArray();
        var learned = context.Later(() => LearnedTau(context, burst));
        context.RunAll();

        return new(
            [.. Bursts(ladder, bursts, taus), .. Rates(rates, full), .. Samples(until), .. Guard(waits), Learned(learned.Result)],
            [new PageSection("What they are here").List([.. ladder.Append(guarded).Select(c => c.ToString())])]);
    }

    private static IEnumerable<ReproductionRow> Bursts(Contender[] ladder, Job<(double Mean, double P90)>[] bursts, Job<double>[] taus)
    {
        double[] mean = [.. bursts.Select(b => b.Result.Mean)];
        var gain = mean[0] / mean[3];
        yield return new(
            "burst: p90 latency per token, FCFS over LTR (tau 0.5)", Summarised("up to 2.8×"),
                RowText.Times(bursts[0].Result.P90 / bursts[2].Result.P90),
            Agreement.IsNear(bursts[0].Result.P90 / bursts[2].Result.P90, 2.8), "");
        yield return new(
            "a better order is a lower latency: FCFS, tau 0.2, 0.5, 0.6, 1, oracle", Summarised("falls"), string.Join(", ",
                mean.Select(m => RowText.Seconds(m))),
            mean.Zip(mean.Skip(1)).All(p => p.Second <= p.First * 1.02),
            $"Mean s per token; measured tau {string.Join(", ", taus.Select(t => RowText.Times(t.Result).TrimEnd('×')))}; within 2 %.");
        var captured = (mean[0] - mean[3]) / (mean[0] - mean[4]);
        yield return new(
            "tau 0.6 has at least 60 % of the gain of a perfect order", Inferred("60 %"), RowText.Percent(captured), captured >= 0.6,
                $"FCFS over tau 0.6: {RowText.Times(gain)}.");
    }

    private static IEnumerable<ReproductionRow> Rates((double Share, Job<double>[] Jobs)[] rates, double full)
    {
        double[] Of(int i) => [.. rates[i].Jobs.Select(j => j.Result)];
        var (low, near, over) = (Of(0), Of(1), Of(2));
        yield return new(
            "at half of what FCFS sustains LTR gains nothing", Inferred("0.95-1.05"), RowText.Times(low[1] / low[0]).TrimEnd('×'),
            Agreement.IsInside(low[1] / low[0], 0.9, 1.1),
                $"LTR over FCFS; FCFS sustains {RowText.PerSecond(full)} at 100 ms per token. Agrees within 10 %.");
        yield return new(
            "at 1.1 times that, FCFS over LTR", Inferred("at least 2×"), RowText.Times(near[0] / near[1]), near[0] / near[1] >= 2, "");
        yield return new(
            "at high rates, FCFS over LTR", Summarised("up to 6.9×"), RowText.Times(over[0] / over[1]), over[0] / over[1] >= 2.8,
            "At 1.4 times; agrees from the abstract's 2.8 on.");
        yield return new(
            "order past saturation: FCFS > LTR > oracle", Inferred("yes"), string.Join(", ", over.Select(o => RowText.Seconds(o))),
            over[0] > over[1] && over[1] >= over[2],
                "Mean s per token. MLFQ and the classifiers of the paper are not among the systems here.");
    }

    private static IEnumerable<ReproductionRow> Samples(Job<double>[] until)
    {
        var ratio = until[0].Result / until[1].Result;
        yield return new(
            "synthetic data: time to the first tenth of all that is queued, FCFS over LTR", Summarised("2.4-6.5×"), RowText.Times(ratio),
                Agreement.IsInside(ratio, 2, 6.5),
            "Agrees from 2. The paper queues 10,000 and stops at 1,000.");
    }

    private static IEnumerable<ReproductionRow> Guard(Job<(double Waiting, double Latency)>[] waits)
    {
        var (off, on) = (waits[0].Result, waits[1].Result);
        yield return new(
            "with the guard the longest waits are shorter", Summarised("up to 3.4×"), RowText.Times(off.Waiting / on.Waiting),
            off.Waiting > on.Waiting,
            "p99 of the time to the first token; the paper's measure also has gaps between tokens, which the log does not keep per "
            + "request.");
        yield return new(
            "and latency rises by less than 30 %", Summarised("< 30 %"), RowText.Percent(on.Latency / off.Latency - 1),
                on.Latency < 1.3 * off.Latency,
                    "Mean latency per token at 1.1 times saturation.");
    }

    private static ReproductionRow Learned(double tau) => new(
        "tau of our own linear ranker, on classes, tenants and sizes", Checked("0.52-0.64 (a language model)"),
            RowText.Times(tau).TrimEnd('×'),
            tau >= 0.5,
        "On a mix of four applications; it sees no text, so within an application it knows the prompt's size only. Agrees from 0.5.");

    private static PoissonLoad Load(ReproductionContext context, int count) => new(
        "ShareGPT", "lengths=sharegpt", count, context.Seed, static (p, o) => p + o <= 4096 ? (p, Math.Min(o, 2048)) : null);

    private static Workload AtOnce(PoissonLoad load, int count)
    {
        var part = load.At(1, TimeSpan.FromSeconds(count * 2));
        return part with
        {
            Requests = [.. part.Requests.Take(count).Select(r => r with { Arrival = new(0) })],
            OutputTokens = part.OutputTokens[..count],
        };
    }

    private static SimulationOptions Options() => new()
    {
        Engines = [ProfileCatalog.Find("llama-3.1-8b@a100") with { FirstTokenExtraIterations = 0, ApiOverheadMilliseconds = 0 }],
        Limits = new(TokenBudget: 2048, SequencesMax: 256),
        KvTokens = 130_000, // Of 40 GB.
    };

    private static RunResult Run(Contender c, Workload workload) => Trial.Run(workload, c.Make(), Options());

    /// <summary>Latency by output tokens [s].</summary>
    private static (double Mean, double P90) PerToken(RunResult run)
    {
        var all = new double[run.Log.Count];
        for (var i = 0; i < all.Length; i++)
            all[i] = (run.Log.Ended[i] - run.Log.Arrival[i]) / (double)TimeSpan.TicksPerSecond / run.Log.OutputTokens[i];
        Array.Sort(all);
        return (all.Average(), all[all.Length * 9 / 10]);
    }

    private static (double, double) Wait(RunResult run) => (RunSummary.Of(run).All.Ttft.P99, PerToken(run).Mean);

    private static double TimeOf(RunResult run, int finished)
    {
        long[] ended = [.. run.Log.Ended];
        Array.Sort(ended);
        return ended[finished - 1] / (double)TimeSpan.TicksPerSecond;
    }

    private static double Tau(Workload workload, double sigma)
    {
        var predictor = new NoisyLength(r => workload.OutputTokens[(int)r.Id.Value], new Rng(1), sigma);
        return KendallTau.Of(
            [.. workload.Requests.Select(r => predictor.Predict(r).Mean)], [.. workload.OutputTokens.Select(o => (double)o)]);
    }

    /// <summary>Learns from one part of a mix of applications and is asked about another.</summary>
    private static double LearnedTau(ReproductionContext context, int count)
    {
        var mix = WorkloadSource.FromSpec(
            $"poisson:rate=1,n={count},lengths=sharegpt,class=chat|poisson:rate=1,n={count},lengths=azure-code,class=code"
            + $"|poisson:rate=1,n={count},prompt=800,output=lognormal(150,0.5),class=summary"
            + $"|poisson:rate=1,n={count},lengths=azure-conv,class=help",
            new Rng(context.Seed).Fork("mix")).Capped(4096);
        var predictor = new RankedLength();
        var half = mix.Requests.Length / 2;
        for (var i = 0; i < half; i++) predictor.Observe(mix.Requests[i], mix.OutputTokens[i]);
        return KendallTau.Of(
            [.. mix.Requests.Skip(half).Select(r => predictor.Predict(r).Mean)], [.. mix.OutputTokens.Skip(half).Select(o => (double)o)]);
    }
}
