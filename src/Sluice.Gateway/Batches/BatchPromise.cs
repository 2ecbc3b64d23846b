using System.Globalization;
using Sluice.Storage;

namespace Sluice.Gateway;

/// <summary>When a batch would be done, from what is to be done before it and the throughput of late.</summary>
internal static class BatchPromise
{
    /// <param name="unfinished">Batches of all tenants: they share the engines.</param>
    /// <param name="lines">Of the new batch.</param>
    /// <returns>Null while throughput is not known.</returns>
    public static TimeSpan? Of(IReadOnlyList<StoredBatch> unfinished, long lines, double? linesPerSecond)
    {
        if (linesPerSecond is not { } rate || rate <= 0) return null;
        foreach (var batch in unfinished)
            lines += Math.Max(0, batch.Counts.Total - batch.Counts.Completed - batch.Counts.Failed);
        return TimeSpan.FromSeconds(Math.Min(lines / rate, TimeSpan.FromDays(3650).TotalSeconds));
    }

    public static ApiError Refusal(TimeSpan expected, string window) => new(
        429, "rate_limit_error", "window_unreachable",
        $"At the throughput of late this batch would take {Text(expected)}, which is longer than its completion_window of {window}. "
        + "Ask for a longer window, send fewer lines, or come back when less is waiting.", "completion_window")
    {
        ShouldRetry = false,
    };

    private static string Text(TimeSpan span) => span.TotalHours >= 1
        ? string.Create(CultureInfo.InvariantCulture, $"{span.TotalHours:0.#} hours")
        : span.TotalMinutes >= 1
            ? string.Create(CultureInfo.InvariantCulture, $"{span.TotalMinutes:0.#} minutes")
            : string.Create(CultureInfo.InvariantCulture, $"{span.TotalSeconds:0.#} seconds");
}
