using Sluice.Core;
using Sluice.Simulation;

namespace Sluice.Cli;

/// <summary>Smooth goodput over the rate, by the price of idling, and against two servers that game the usual
/// metrics.</summary>
public sealed class SmoothGoodputReproduction : IReproduction
{
    private static readonly TimeSpan s_burst = TimeSpan.FromSeconds(120);
    private static readonly TimeSpan s_firstToken = TimeSpan.FromSeconds(1);

    public string Name => "smooth-goodput";

    public string Title =>
        "Revisiting Service Level Objectives and System Level Metrics in Large Language Model Serving "
        + "(smooth goodput; Wang et al., arXiv 2410.14257)";

    public string About =>
        "Delivered tokens less a price for a reader's idling: neither holding tokens back nor abandoning late requests "
        + "gains by it.";

    public ReproductionResult Run(ReproductionContext context)
    {
        var window = TimeSpan.FromSeconds(context.IsSmall ? 300 : 900);
        var load = Load("conversations", context.IsSmall ? 30_000 : 90_000, null);
        var promised = Load("conversations, promised", context.IsSmall ? 15_000 : 45_000, SmoothFigures.Promise);

        var full = RateSearch.Highest(20, 0.5, Ttft).Rate;
        var curves = new Dictionary<(Contender, ReaderModel), Job<SmoothPoint>[]>();
        foreach (var system in (Contender[])[SmoothFigures.Chunked, SmoothFigures.Whole])
            foreach (var reader in (ReaderModel[])[SmoothFigures.Reader, SmoothFigures.FastReader])
                curves[(system, reader)] =
                    [.. SmoothFigures.Shares.Select(s => context.Later(() => Point(system, reader, s)))];
        var bursts = SmoothFigures.Overloads.ToDictionary(share => share, share => (
            Late: context.Later(() => Burst(share, s_burst, null)),
            Dropped: context.Later(() => Burst(share, s_burst, s_firstToken))));
        var siege = (
            Late: context.Later(() => Burst(SmoothFigures.Overload, window, null)),
            Dropped: context.Later(() => Burst(SmoothFigures.Overload, window, s_firstToken)));
        var streams = context.IsSmall ? 500 : 2000;
        var held = context.Later(() =>
            HoldBack.Of(SmoothFigures.Reader, streams, new Rng(context.Seed).Fork("streams")));
        context.RunAll();

        var figures = new SmoothFigures(
            (system, reader) => [.. curves[(system, reader)].Select(j => j.Result)],
            share => (bursts[share].Late.Result, bursts[share].Dropped.Result),
            (siege.Late.Result, siege.Dropped.Result), held.Result, full, window, s_burst);
        return new([.. SmoothRows.Of(figures)], SmoothSections.Of(figures));

        double Ttft(double rate)
        {
            var run = Trial(SmoothFigures.Chunked, load.At(rate, window), SmoothFigures.Reader);
            return RunSummary.Of(run).All.Ttft.Mean / 1000;
        }

        PoissonLoad Load(string name, int count, string? slo) =>
            new(name, "lengths=sharegpt,max-total=4096", count, context.Seed, static (p, o) => (p, o), slo);

        SmoothPoint Point(Contender system, ReaderModel reader, double share) => SmoothPoint.Of(
            Trial(system, load.At(share * full, window), reader), SmoothFigures.Penalties, window.TotalSeconds);

        SmoothPoint Burst(double share, TimeSpan time, TimeSpan? patience) => SmoothPoint.Of(
            Trial(SmoothFigures.Chunked, promised.At(share * full, time), SmoothFigures.Reader, patience),
            [SmoothFigures.PaperPenalty], time.TotalSeconds, abandons: patience is not null);
    }

    private static RunResult Trial(
        Contender system, Workload workload, ReaderModel reader, TimeSpan? patience = null) =>
        Cli.Trial.Run(workload, system.Make(), new SimulationOptions
        {
            Engines = [ProfileCatalog.Find(SmoothFigures.Profile)], Reader = reader, Patience = patience,
        });
}
