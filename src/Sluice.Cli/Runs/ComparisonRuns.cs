using System.Diagnostics;
using Sluice.Core;
using Sluice.Simulation;

namespace Sluice.Cli;

/// <summary>Runs specs side by side: those with equal arrivals share one workload in memory.</summary>
/// <param name="Runs">By spec, in the order given; null where the summary is all that was asked for.</param>
/// <param name="Decisions">Wall-clock time of decisions per step composed [µs], by spec; NaN when it was not measured.</param>
public sealed record ComparisonRuns(
    IReadOnlyList<RunResult?> Runs, IReadOnlyList<RunSummary> Summaries, IReadOnlyList<double> Decisions)
{
    /// <param name="threads">Runs at once.</param>
    /// <param name="keeps">Whether the whole result of a spec is wanted, every request in it.</param>
    /// <param name="timesDecisions">Whether decisions are timed; reading the clock adds about 50 ns to each.</param>
    public static ComparisonRuns Of(
        IReadOnlyList<RunSpec> specs, int threads, Func<RunSpec, bool> keeps, bool timesDecisions, Terminal terminal)
    {
        var (runs, summaries, decisions) = (new RunResult?[specs.Count], new RunSummary[specs.Count], new double[specs.Count]);
        var shares = new double[specs.Count];
        using var progress = new Progress($"{specs.Count} runs", terminal);
        foreach (var group in Enumerable.Range(0, specs.Count).GroupBy(i => WorkloadKey(specs[i])))
        {
            var workload = Runner.LoadWorkload(specs[group.First()], terminal.Stop);
            Parallel.ForEach(group, new ParallelOptions { MaxDegreeOfParallelism = threads }, i =>
            {
                var clock = timesDecisions ? new DecisionMeter(Stopwatch.GetTimestamp) : null;
                var result = Runner.Run(specs[i], workload, share =>
                {
                    shares[i] = share;
                    progress.Report(shares.Average());
                }, clock);
                summaries[i] = RunSummary.Of(result, PeakMemory.Megabytes);
                decisions[i] = (clock?.PerStep ?? double.NaN) * 1e6 / Stopwatch.Frequency;
                if (keeps(specs[i])) runs[i] = result;
            });
        }

        return new(runs, summaries, decisions);
    }

    private static (string?, string, string?, string?, int?, double, double, ulong, int, string?, bool) WorkloadKey(RunSpec s) =>
        (s.Trace, s.Format, s.Workload, s.Arrivals, s.Take, s.Window, s.Scale, s.Seed, s.BlockTokens, s.Slo, Runner.UsesPrefixes(s));
}
