using System.Globalization;
using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>Walks the log once for the counts, then sorts each latency once per group.</summary>
/// <remarks>O(requests) but for groups so small that comparing is faster. Allocates a few columns, nothing per
/// request.</remarks>
internal static class Summarizer
{
    public static RunSummary Summarize(RunResult result, double peakMemoryMegabytes)
    {
        var (log, workload) = (result.Log, result.Workload);
        Check.That(log.Count == workload.Requests.Length);

        var all = new GroupTally();
        var classes = new GroupTally[workload.Classes.Count];
        var tenants = new GroupTally[workload.Tenants.Count];
        var (preemptions, cachedPromptTokens) = (0L, 0L);
        var finished = new int[log.Count];
        var finishedCount = 0;

        for (var i = 0; i < log.Count; i++)
        {
            if (log.Arrival[i] < 0) continue; // A stage of a program that was never reached.

            var request = workload.Requests[i];
            var met = Promises.Met(log, request.Slo, i);
            var idle = result.Reader.IdleSeconds(log, request, i, result.End.Ticks);
            var worth = result.Reader.Worth(request, log.OutputTokens[i], idle);
            all.Add(log, request, i, met, idle, worth);
            classes[request.Class.Index].Add(log, request, i, met, idle, worth);
            tenants[request.Tenant.Index].Add(log, request, i, met, idle, worth);
            preemptions += log.Preemptions[i];
            cachedPromptTokens += log.CachedPromptTokens[i];
            if (log.Outcome[i] == Outcome.Finished) finished[finishedCount++] = i;
        }

        var reader = new LatencyReader(log);
        var latencies = reader.Read(finished.AsSpan(0, finishedCount));
        var byTenant = Groups(
            tenants, workload.Tenants, r => r.Tenant.Index, workload, finished.AsSpan(0, finishedCount), reader, latencies);
        return new()
        {
            System = result.System,
            Workload = workload.Name,
            WorkloadOrigin = workload.Origin,
            Settings = result.Settings,
            Notes = result.Notes,
            Engines = result.Engines,
            Devices = result.Devices,
            All = all.ToSummary("all", latencies),
            Classes = Groups(
                classes, workload.Classes, r => r.Class.Index, workload, finished.AsSpan(0, finishedCount), reader, latencies),
            Tenants = byTenant,
            Itl = Distribution.OfHistogram(result.ItlMilliseconds),
            TenantFairness = Fairness.Jain(
                [.. byTenant.Where(t => t.Requests > 0).Select(t => (double)t.ServedTokens)]),
            Preemptions = preemptions,
            ModelLoads = result.ModelLoads,
            Evictions = result.Evictions,
            Iterations = result.Iterations,
            PrefillTokens = result.PrefillTokens,
            CachedPromptTokens = cachedPromptTokens,
            VirtualSeconds = result.End.Seconds,
            WallSeconds = result.Wall.TotalSeconds,
            PeakMemoryMegabytes = peakMemoryMegabytes,
            Fingerprint = result.Fingerprint.ToString("x16", CultureInfo.InvariantCulture),
            Series = result.Series,
        };
    }

    /// <summary>Sorts the finished requests by group (counting sort) and reads each group's latencies. A single group is
    /// the whole and is not read again.</summary>
    private static GroupSummary[] Groups(
        GroupTally[] tallies, IReadOnlyList<string> names, Func<Request, int> groupOf, Workload workload,
        ReadOnlySpan<int> finished, LatencyReader reader, Latencies whole)
    {
        if (tallies.Length == 1) return [tallies[0].ToSummary(names[0], whole)];

        var starts = new int[tallies.Length + 1];
        foreach (var i in finished) starts[groupOf(workload.Requests[i]) + 1]++;
        for (var g = 0; g < tallies.Length; g++) starts[g + 1] += starts[g];

        var grouped = new int[finished.Length];
        var next = starts.ToArray();
        foreach (var i in finished) grouped[next[groupOf(workload.Requests[i])]++] = i;

        var groups = new GroupSummary[tallies.Length];
        for (var g = 0; g < groups.Length; g++)
            groups[g] = tallies[g].ToSummary(names[g], reader.Read(grouped.AsSpan(starts[g]..starts[g + 1])));
        return groups;
    }
}
