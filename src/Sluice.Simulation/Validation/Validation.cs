using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>Repeats measured runs in the simulator and compares.</summary>
/// <remarks>Nothing is fitted here: a profile is taken from the catalog as it stands, and each row says whether the run was
/// in view when the profile was made.</remarks>
public static class Validation
{
    /// <summary>Compares with every run we have numbers of, and with the runs found in a directory.</summary>
    /// <param name="directory">Laid out as <see cref="MeasuredRuns.Find"/> says; null for the built-in runs alone.</param>
    /// <param name="system">Makes a system by its catalog name (<c>vllm-v1</c>, <c>vllm-v0</c>); this assembly has no
    /// systems of its own.</param>
    /// <exception cref="InputException">A file in the directory cannot be read.</exception>
    public static ValidationReport Run(string? directory, Func<string, ServingSystem> system) =>
        Run([.. directory is null ? [] : MeasuredRuns.Find(directory), .. OperatingPoints.Runs, .. PeerRuns.All], system);

    /// <summary>As above, and writes the tables.</summary>
    public static ValidationReport Run(string? directory, Func<string, ServingSystem> system, TextWriter output)
    {
        var report = Run(directory, system);
        report.WriteTo(output);
        return report;
    }

    public static ValidationReport Run(IReadOnlyList<MeasuredRun> runs, Func<string, ServingSystem> system)
    {
        var rows = new List<ValidationRow>();
        var notSimulated = new List<NotSimulatedRun>();
        var origins = new List<KeyValuePair<string, string>>();
        foreach (var run in runs)
        {
            if (!origins.Exists(o => o.Key == run.Set && o.Value == run.Origin)) origins.Add(new(run.Set, run.Origin));
            if (run.NotSimulated is { } reason) notSimulated.Add(new(run.Name, run.Set, reason));
            else if (ProfileCatalog.Entries.FirstOrDefault(p => p.Name == run.Profile) is { } profile)
                rows.AddRange(Compare(run, profile, Simulate(run, profile, system(run.System))));
            else notSimulated.Add(new(run.Name, run.Set, $"no profile {run.Profile}"));
        }

        return new ValidationReport(rows, notSimulated, origins);
    }

    /// <summary>Repeats one run.</summary>
    public static RunResult Simulate(MeasuredRun run, EngineProfile profile, ServingSystem system)
    {
        Check.That(run.Workload is not null);
        var simulator = new Simulator(run.Workload, run.HasPrefixCache ? system with { Kv = KvKind.PrefixCache } : system, new()
        {
            Engines = [Delayed(profile, run.Delay)],
            Limits = run.Limits,
        });
        simulator.Run();
        return simulator.Result(TimeSpan.Zero, []);
    }

    private static IEnumerable<ValidationRow> Compare(MeasuredRun run, EngineProfile profile, RunResult result)
    {
        var latencies = RunLatencies.From(result.Log, run.Counted);
        foreach (var value in run.Values)
        {
            var simulated = value.Metric == LatencyMetric.Tpot && run.TpotFromMeans
                ? TpotFromMeans(run, latencies)
                : latencies.Value(value.Metric, value.Statistic);
            yield return new ValidationRow(
                run.Name, run.Set, value.Metric, value.Statistic, value.Milliseconds, simulated,
                100 * (simulated - value.Milliseconds) / value.Milliseconds,
                profile.Name, profile.Origin, profile.SeenRuns.Contains(run.Set));
        }
    }

    private static EngineProfile Delayed(EngineProfile profile, TokenDelay? delay) => delay is null
        ? profile
        : profile with { FirstTokenExtraIterations = delay.Iterations, ApiOverheadMilliseconds = delay.Milliseconds };

    /// <summary>All requests of such a run have the same output length.</summary>
    private static double TpotFromMeans(MeasuredRun run, RunLatencies latencies) =>
        (latencies.Value(LatencyMetric.E2e, LatencyStatistic.Mean) - latencies.Value(LatencyMetric.Ttft, LatencyStatistic.Mean)) /
        (run.Workload!.OutputTokens[0] - 1);
}
