using System.Globalization;
using System.Text.Json;

namespace Sluice.Simulation;

/// <summary>A plot as the JSON object that assets/plot.js draws.</summary>
internal static class PlotJson
{
    public static void Write(Utf8JsonWriter json, Plot plot)
    {
        json.WriteStartObject();
        json.WriteString("kind", plot.Kind.ToString().ToLowerInvariant());
        WriteAxis(json, "x", plot.X);
        WriteAxis(json, "y", plot.Y);

        json.WriteStartArray("categories");
        foreach (var category in plot.Categories) json.WriteStringValue(category);
        json.WriteEndArray();

        json.WriteStartArray("series");
        for (var i = 0; i < plot.Series.Count; i++) WriteSeries(json, plot.Series[i], i);
        json.WriteEndArray();

        json.WriteStartArray("rules");
        foreach (var rule in plot.Rules)
        {
            json.WriteStartObject();
            WriteFigure(json, "at", rule.At);
            json.WriteString("label", rule.Label);
            json.WriteBoolean("vertical", rule.IsVertical);
            json.WriteNumber("color", rule.Color);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteAxis(Utf8JsonWriter json, string key, PlotAxis axis)
    {
        json.WriteStartObject(key);
        json.WriteString("title", axis.Title);
        json.WriteBoolean("log", axis.IsLog);
        json.WriteBoolean("share", axis.IsShare);
        if (axis.Min is { } min) WriteFigure(json, "min", min);
        if (axis.Max is { } max) WriteFigure(json, "max", max);
        json.WriteEndObject();
    }

    private static void WriteSeries(Utf8JsonWriter json, PlotSeries series, int place)
    {
        json.WriteStartObject();
        json.WriteString("name", series.Name);
        json.WriteString("detail", series.Detail);
        json.WriteNumber("color", series.Color ?? place);
        json.WriteBoolean("dashed", series.IsDashed);
        json.WriteBoolean("dots", series.HasDots);

        json.WriteStartArray("points");
        foreach (var (x, y) in series.Points)
        {
            if (!double.IsFinite(x) || !double.IsFinite(y)) continue;
            json.WriteStartArray();
            WriteFigure(json, null, x);
            WriteFigure(json, null, y);
            json.WriteEndArray();
        }

        json.WriteEndArray();

        json.WriteStartArray("marks");
        foreach (var (x, y, label) in series.Marks)
        {
            if (!double.IsFinite(x) || !double.IsFinite(y)) continue;
            json.WriteStartArray();
            WriteFigure(json, null, x);
            WriteFigure(json, null, y);
            json.WriteStringValue(label);
            json.WriteEndArray();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <summary>Six digits: more than a screen shows, and a third of the bytes.</summary>
    private static void WriteFigure(Utf8JsonWriter json, string? key, double value)
    {
        if (key is not null) json.WritePropertyName(key);
        json.WriteRawValue(
            double.IsFinite(value) ? value.ToString("G6", CultureInfo.InvariantCulture) : "null",
            skipInputValidation: true);
    }
}
