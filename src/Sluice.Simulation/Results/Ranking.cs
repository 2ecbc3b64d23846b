using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>One of the systems ranked, over all its seeds.</summary>
public sealed record RankedSystem
{
    /// <summary>1 and the number of systems that are better for sure; equal places are not told apart by these seeds.</summary>
    public required int Place { get; init; }

    /// <summary>Tells it apart from the others.</summary>
    public required string Label { get; init; }

    /// <summary>By seed.</summary>
    public required IReadOnlyList<RunSummary> Runs { get; init; }

    /// <summary>What it is ranked by.</summary>
    public required Estimate Score { get; init; }

    /// <summary>Score less that of the first, at the same seeds.</summary>
    public required Estimate ToTheFirst { get; init; }

    public required Estimate Attainment { get; init; }

    /// <summary>By class, those with requests.</summary>
    public required IReadOnlyList<(string Name, Estimate Attainment)> Classes { get; init; }

    public required Estimate Goodput { get; init; }
    public required Estimate TokenDeadlines { get; init; }
    public required Estimate SmoothGoodput { get; init; }

    /// <summary>Share of the requests that arrived and did not finish.</summary>
    public required Estimate Dropped { get; init; }

    /// <summary>Jain's index; over what <see cref="Ranking.FairnessOver"/> says.</summary>
    public required Estimate Fairness { get; init; }

    /// <summary>Wall-clock time of its decisions per step composed [µs], of the seed that was disturbed least; NaN when nobody
    /// measured. The one figure that another run does not repeat.</summary>
    public double DecisionMicroseconds { get; init; } = double.NaN;
}

/// <summary>Systems in order of what they kept, over several seeds.</summary>
/// <param name="Systems">By place, then by score, the best first.</param>
/// <param name="IsByAttainment">Ranked by SLO attainment; by smooth goodput where nothing was promised.</param>
/// <param name="FairnessOver"><c>tenants</c>: tokens served to each; <c>classes</c>, where there is one tenant: share of
/// promises kept to each, where there are several.</param>
public sealed record Ranking(
    IReadOnlyList<RankedSystem> Systems, bool IsByAttainment, string FairnessOver, IReadOnlyList<string> Seeds)
{
    /// <summary>What differs from seed to seed, and so what the intervals speak of, in a sentence or two; empty if not told.</summary>
    public string Varies { get; init; } = "";

    /// <param name="runs">By contestant, then by seed, the same seeds in the same order for each.</param>
    /// <param name="decisionMicroseconds">By contestant; NaN where nobody measured.</param>
    public static Ranking Of(IReadOnlyList<IReadOnlyList<RunSummary>> runs, IReadOnlyList<double> decisionMicroseconds)
    {
        Check.That(runs.Count > 0);
        Check.That(runs.All(r => r.Count == runs[0].Count));

        var labels = RunDifferences.Of([.. runs.Select(r => r[0])]).Labels;
        var isPromised = runs.Any(r => r.Any(s => s.All.Slo != Slo.BestEffort));
        var isByTenant = runs[0][0].Tenants.Count(t => t.Requests > 0) > 1;
        double[][] scores = [.. runs.Select(r => Values(r, s => isPromised ? s.All.SloAttainment : s.SmoothGoodput))];
        int[] places = [.. scores.Select(score => 1 + scores.Count(other => Estimate.OfDifference(other, score).IsAboveZero))];
        int[] order =
        [
            .. Enumerable.Range(0, runs.Count).OrderBy(i => places[i]).ThenByDescending(i => scores[i].Average()).ThenBy(i => i),
        ];

        return new(
            [.. order.Select(i => new RankedSystem
            {
                Place = places[i],
                Label = labels[i],
                Runs = runs[i],
                Score = Estimate.Of(scores[i]),
                ToTheFirst = Estimate.OfDifference(scores[i], scores[order[0]]),
                Attainment = Over(runs[i], s => s.All.SloAttainment),
                Classes = Classes(runs[i]),
                Goodput = Over(runs[i], s => s.Goodput),
                TokenDeadlines = Over(runs[i], s => s.All.SmoothShare),
                SmoothGoodput = Over(runs[i], s => s.SmoothGoodput),
                Dropped = Over(runs[i], s => 1 - s.All.Finished / (double)s.All.Requests),
                Fairness = Over(runs[i], s => isByTenant ? s.TenantFairness : BetweenClasses(s)),
                DecisionMicroseconds = decisionMicroseconds[i],
            })],
            isPromised, isByTenant ? "tenants" : "classes", [.. runs[0].Select(SeedOf)]);
    }

    private static (string, Estimate)[] Classes(IReadOnlyList<RunSummary> runs) =>
    [
        .. Enumerable.Range(0, runs[0].Classes.Count)
            .Where(c => runs.All(r => r.Classes.Count > c && r.Classes[c].Requests > 0))
            .Select(c => (runs[0].Classes[c].Name, Over(runs, s => s.Classes[c].SloAttainment))),
    ];

    private static double BetweenClasses(RunSummary run)
    {
        double[] kept = [.. run.Classes.Where(c => c.Requests > 0).Select(c => c.SloAttainment)];
        return kept.Length > 1 ? Core.Fairness.Jain(kept) : double.NaN;
    }

    private static Estimate Over(IReadOnlyList<RunSummary> runs, Func<RunSummary, double> value) => Estimate.Of(Values(runs, value));

    private static double[] Values(IReadOnlyList<RunSummary> runs, Func<RunSummary, double> value) => [.. runs.Select(value)];

    private static string SeedOf(RunSummary run) => run.Settings.FirstOrDefault(s => s.Key == "seed").Value ?? "";
}
