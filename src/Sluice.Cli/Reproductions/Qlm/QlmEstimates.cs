using System.Globalization;
using Sluice.Core;
using Sluice.Simulation;

namespace Sluice.Cli;

/// <summary>How well waits are predicted, on one A100. A light load comes first, from which lengths and throughput are learned,
/// as the paper's history teaches them; then a load that the engine cannot serve, and that is looked at.</summary>
internal sealed class QlmEstimates
{
    /// <summary>Independent draws; the error of a mean is that of the mean over all of them.</summary>
    public const int Draws = 8;

    /// <summary>From here on a queue is long.</summary>
    public const int LongQueue = 100;

    /// <summary>Requests from which the run learns, and their load.</summary>
    private const int WarmUp = 5000;
    private const double WarmUpLoad = 0.6;

    private readonly List<Job<IReadOnlyList<PredictedWait>>> _alike = [];
    private readonly Job<IReadOnlyList<PredictedWait>> _cold;
    private readonly Job<IReadOnlyList<PredictedWait>> _shareGpt;
    private readonly Job<IReadOnlyList<PredictedWait>> _mixed;
    private readonly List<(double Load, Job<IReadOnlyList<PredictedWait>> Waits)> _azure = [];

    /// <summary>Loads at which Azure's lengths are looked at: queues that come and go, and one that only grows.</summary>
    private static readonly double[] s_azureLoads = [1, 1.1, 1.25, 1.5];

    /// <param name="trace">The paper's 3,500 requests, or fewer.</param>
    public QlmEstimates(ReproductionContext context, int trace)
    {
        // Beyond the sustained rate, in each run. At twice that rate half of the long ones wait at the end: a queue of 8,000.
        var (requests, many) = ((int)Math.Min(4000L, 2L * trace), (int)Math.Min(16_000L, 5L * trace));
        for (var i = 0; i < Draws; i++)
        {
            var seed = context.Seed + (ulong)i;
            _alike.Add(context.Later(() => Waits("prompt=250,output=sharegpt", OnePromise, seed, many, 2)));
        }

        _cold = context.Later(() => Waits("prompt=250,output=sharegpt", OnePromise, context.Seed, requests, 2, warmUp: 0));
        _shareGpt = context.Later(() => Waits("lengths=sharegpt", OnePromise, context.Seed, requests, 2));
        _mixed = context.Later(() => Waits(
            "lengths=sharegpt", "interactive:1,ttft=20s;batch-1:1,ttft=1m;batch-2:1,ttft=1h", context.Seed, requests, QlmResults.Overload));
        foreach (var load in s_azureLoads)
            _azure.Add((load, context.Later(() => Waits("lengths=azure-conv", OnePromise, context.Seed, many, load))));
    }

    private const string OnePromise = "ttft=1h";

    /// <summary>Requests of one kind: prompts of 250 tokens, ShareGPT's answers, one promise; all draws.</summary>
    public IEnumerable<PredictedWait> Alike => _alike.SelectMany(j => j.Result);

    /// <summary>The same without the light load first: nothing is known when the queue builds.</summary>
    public IReadOnlyList<PredictedWait> Cold => _cold.Result;

    /// <summary>One promise and ShareGPT's prompts too, so that there are several groups.</summary>
    public IReadOnlyList<PredictedWait> ShareGpt => _shareGpt.Result;

    /// <summary>W_A on one engine.</summary>
    public IReadOnlyList<PredictedWait> Mixed => _mixed.Result;

    /// <summary>The lengths of Azure's conversation trace, all loads.</summary>
    public IEnumerable<PredictedWait> Azure => _azure.SelectMany(a => a.Waits.Result);

    /// <summary>The share of them that p90 covers, by load.</summary>
    public IEnumerable<(double Load, double Coverage)> AzureCoverage => _azure.Select(a => (a.Load, Coverage(a.Waits.Result)));

    /// <summary>Of the mean wait of those that found about this many queued: (predicted − actual) / actual.</summary>
    public static double ErrorOfMeanAt(IEnumerable<PredictedWait> waits, int ahead)
    {
        PredictedWait[] near = [.. waits.Where(w => w.Ahead >= 0.9 * ahead && w.Ahead <= 1.1 * ahead)];
        return near.Length == 0 ? double.NaN : near.Average(w => w.Mean) / near.Average(w => w.Actual) - 1;
    }

    /// <summary>Coefficient of determination of the predicted mean.</summary>
    public static double R2(IEnumerable<PredictedWait> waits)
    {
        PredictedWait[] all = [.. waits];
        if (all.Length == 0) return double.NaN;
        var mean = all.Average(w => w.Actual);
        return 1 - all.Sum(w => (w.Mean - w.Actual) * (w.Mean - w.Actual)) / all.Sum(w => (w.Actual - mean) * (w.Actual - mean));
    }

    /// <summary>Share that waited no longer than its predicted p90.</summary>
    public static double Coverage(IEnumerable<PredictedWait> waits)
    {
        PredictedWait[] all = [.. waits];
        return all.Length == 0 ? double.NaN : all.Count(w => w.Actual <= w.P90) / (double)all.Length;
    }

    /// <summary>Looks at those who are served while others still come, as far as that is known when they come: an estimate
    /// takes later arrivals for granted.</summary>
    private static IReadOnlyList<PredictedWait> Waits(
        string lengths, string promises, ulong seed, int requests, double load, int warmUp = WarmUp)
    {
        var rng = new Rng(seed).Fork("estimates");
        var unit = WorkloadSource.FromSpec(
            string.Create(CultureInfo.InvariantCulture, $"poisson:rate=1,n={warmUp + requests},{lengths},max-total=4096,cap=2048"), rng);
        var fleet = new QlmFleet(0, 1, 0, 1);
        var rate = fleet.OneModelRate(unit.Requests.Average(r => (double)r.PromptTokens), unit.OutputTokens.Average());
        var surge = warmUp == 0 ? 0 : unit.Requests[warmUp - 1].Arrival.Ticks;
        for (var i = 0; i < unit.Requests.Length; i++)
        {
            var ticks = unit.Requests[i].Arrival.Ticks;
            var at = Math.Min(ticks, surge) / WarmUpLoad + Math.Max(0, ticks - surge) / load;
            unit.Requests[i] = unit.Requests[i] with { Arrival = new((long)(at / rate)) };
        }

        var promised = SloMix.Parse(promises).Apply(unit, rng.Fork("promises"));
        var waits = QlmRun.Of(QlmSystem.Qlm, promised, fleet.OneModel).Plans.Waits;
        return [.. waits.Where(w => w.Request.Value >= warmUp && w.Request.Value < warmUp + requests / load)];
    }
}
