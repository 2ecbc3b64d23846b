using System.Globalization;

namespace Sluice.Simulation;

/// <summary>In what several runs differ: gives each a short name that tells them apart, and the axis to plot them
/// over.</summary>
/// <param name="Labels">One per run, all different.</param>
/// <param name="Axis">The setting whose value is a number that differs, or null. When several do, the one with the most
/// values; the first of equals.</param>
/// <param name="Lines">Per run, its name without the axis: runs with equal names make one line in a plot.</param>
/// <param name="AxisValues">Per run; NaN when there is no axis.</param>
internal sealed record RunDifferences(
    IReadOnlyList<string> Labels, string? Axis, IReadOnlyList<string> Lines, IReadOnlyList<double> AxisValues)
{
    /// <summary>The flag whose value is itself <c>key=value</c>.</summary>
    private const string Set = "set";

    public static RunDifferences Of(IReadOnlyList<RunSummary> runs)
    {
        var system = runs.Select(r => r.System).Distinct(StringComparer.Ordinal).Count() > 1 && !DifferInSetAlone(runs);
        var workload = runs.Select(r => r.Workload).Distinct(StringComparer.Ordinal).Count() > 1;
        string[] keys =
        [
            .. runs.SelectMany(r => r.Settings.Select(s => s.Key)).Distinct(StringComparer.Ordinal)
                .Where(key => runs.Select(r => ValueOf(r, key)).Distinct(StringComparer.Ordinal).Count() > 1)
                .Where(key => !(system && key == Set)) // The system's own name repeats it.
                .Where(key => !(system && runs.All(r => ValueOf(r, key) is { } v && r.System.StartsWith(v, StringComparison.Ordinal)))),
        ];
        var axis = keys.Where(key => runs.All(r => double.IsFinite(NumberOf(r, key))))
            .OrderByDescending(key => runs.Select(r => NumberOf(r, key)).Distinct().Count()).FirstOrDefault();
        // A generated workload's name repeats its settings: it tells nothing more once a setting differs.
        var named = workload && keys.Length == 0;

        return new(
            Distinct([.. runs.Select(r => NameOf(r, system, named, keys))]), axis,
            [.. runs.Select(r => NameOf(r, system, named, [.. keys.Where(k => k != axis)]))],
            [.. runs.Select(r => axis is null ? double.NaN : NumberOf(r, axis))]);
    }

    /// <summary>One system under several settings: <c>sjf (router=random)</c> beside <c>sjf (router=least-kv)</c>.</summary>
    private static bool DifferInSetAlone(IReadOnlyList<RunSummary> runs) =>
        runs.Select(r => r.System.Split(" (")[0]).Distinct(StringComparer.Ordinal).Count() == 1
        && runs.Select(r => ValueOf(r, Set)).Distinct(StringComparer.Ordinal).Count() > 1;

    private static string NameOf(RunSummary run, bool system, bool workload, string[] keys)
    {
        var parts = new List<string>();
        if (system) parts.Add(run.System);
        if (workload) parts.Add(run.Workload);
        parts.AddRange(keys.Select(key => key == Set ? ValueOf(run, key) ?? "defaults" : $"{key} {ValueOf(run, key) ?? "default"}"));
        return parts.Count > 0 ? string.Join(", ", parts) : run.System;
    }

    private static string[] Distinct(string[] labels)
    {
        var seen = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var i = 0; i < labels.Length; i++)
        {
            var times = seen[labels[i]] = seen.GetValueOrDefault(labels[i]) + 1;
            if (times > 1) labels[i] += $" #{times}";
        }

        return labels;
    }

    private static string? ValueOf(RunSummary run, string key)
    {
        foreach (var setting in run.Settings)
            if (setting.Key == key) return setting.Value;
        return null;
    }

    private static double NumberOf(RunSummary run, string key) =>
        double.TryParse(ValueOf(run, key), NumberStyles.Float, CultureInfo.InvariantCulture, out var n) ? n : double.NaN;
}
