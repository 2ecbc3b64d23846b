using System.Globalization;
using System.Text;

namespace Sluice.Upstreams;

/// <summary>The few numbers that matter out of an engine's metrics: sums and counts of samples by name, and labels of its
/// info metric.</summary>
internal sealed class MetricSums
{
    private readonly Dictionary<string, (double Sum, int Samples)> _sums = [];
    private readonly Dictionary<string, string> _labels = [];

    /// <param name="text">In Prometheus' text format.</param>
    /// <param name="prefix">Of the names to keep.</param>
    /// <param name="info">Name of the info metric without its prefix; empty for none.</param>
    /// <param name="infoLabels">Labels of it to keep; of several samples, the first that has them.</param>
    public MetricSums(ReadOnlySpan<byte> text, string prefix, string info, params string[] infoLabels)
    {
        var start = Encoding.UTF8.GetBytes(prefix);
        PrometheusText.Read(text, (name, labels, value) =>
        {
            // Histograms' buckets are most of the text and of no interest.
            if (!name.StartsWith(start) || name.EndsWith("_bucket"u8) || !double.IsFinite(value)) return;
            var key = Encoding.UTF8.GetString(name[start.Length..]);
            var (sum, samples) = _sums.GetValueOrDefault(key);
            _sums[key] = (sum + value, samples + 1);
            if (key != info) return;
            foreach (var label in infoLabels)
                if (PrometheusText.Label(labels, Encoding.UTF8.GetBytes(label)) is { } kept) _labels.TryAdd(label, kept);
        });
    }

    public bool IsEmpty => _sums.Count == 0;

    /// <returns>-1 if the engine has no such metric.</returns>
    public long Sum(params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
            if (_sums.TryGetValue(name, out var found)) return (long)Math.Clamp(found.Sum, 0, long.MaxValue / 2);
        return -1;
    }

    public int Count(params ReadOnlySpan<string> names) => (int)Math.Min(Sum(names), int.MaxValue);

    /// <summary>Mean over the samples, for shares of several engines behind one address.</summary>
    public double Mean(params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
            if (_sums.TryGetValue(name, out var found)) return found.Sum / found.Samples;
        return -1;
    }

    /// <summary>A label of the info metric as a number; -1 if it is none.</summary>
    public int Label(string name) =>
        _labels.TryGetValue(name, out var text) && int.TryParse(text, CultureInfo.InvariantCulture, out var number) ? number : -1;
}
