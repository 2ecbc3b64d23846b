using System.Buffers;
using System.Globalization;
using System.Text;

namespace Sluice.Gateway;

/// <summary>Writes the Prometheus text format, version 0.0.4.</summary>
internal sealed class MetricsText(IBufferWriter<byte> to)
{
    public void Family(string name, string type, string help) => Line($"# HELP {name} {help}\n# TYPE {name} {type}\n");

    public void Sample(string name, double value, params ReadOnlySpan<(string Name, string Value)> labels) =>
        Line($"{name}{Labels(labels)} {Number(value)}\n");

    public void Histogram(string name, BucketHistogram values, params ReadOnlySpan<(string Name, string Value)> labels)
    {
        for (var i = 0; i < values.Bounds.Count; i++)
            Sample($"{name}_bucket", values.CumulativeAt(i), [.. labels, ("le", Number(values.Bounds[i]))]);
        Sample($"{name}_bucket", values.Count, [.. labels, ("le", "+Inf")]);
        Sample($"{name}_sum", values.Sum, labels);
        Sample($"{name}_count", values.Count, labels);
    }

    private static string Labels(ReadOnlySpan<(string Name, string Value)> labels)
    {
        if (labels.IsEmpty) return "";
        var text = new StringBuilder("{");
        foreach (var (name, value) in labels)
        {
            if (text.Length > 1) text.Append(',');
            text.Append(name).Append("=\"");
            foreach (var c in value) text.Append(c switch { '\\' => "\\\\", '"' => "\\\"", '\n' => "\\n", _ => c.ToString() });
            text.Append('"');
        }

        return text.Append('}').ToString();
    }

    private static string Number(double value) => value switch
    {
        double.PositiveInfinity => "+Inf",
        double.NegativeInfinity => "-Inf",
        _ => value.ToString("R", CultureInfo.InvariantCulture),
    };

    private void Line(string text) => to.Write(Encoding.UTF8.GetBytes(text));
}
