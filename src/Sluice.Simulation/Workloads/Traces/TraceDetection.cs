using System.Text.Json;
using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>Recognises a layout by its first line.</summary>
internal static class TraceDetection
{
    /// <param name="lines">Standing on the first line.</param>
    /// <exception cref="InputException">No layout begins like this; the message names them.</exception>
    public static TraceFormat Detect(TraceLines lines)
    {
        var isJson = lines.Current.TrimStart(" \t"u8).StartsWith("{"u8);
        return (isJson ? OfJson(Properties(lines)) : OfCsv(CsvTable.Header(lines)))
            ?? throw lines.Error($"found {NumberText.Quote(lines.Current)}, expected the first line of one of the formats "
                + $"{TraceFormats.Names}; 'sluice workloads' shows them, --format names one");
    }

    private static TraceFormat? OfCsv(string[] header)
    {
        if (Has("ContextTokens") && Has("GeneratedTokens")) return TraceFormat.Azure;
        if (Has("Request tokens") && Has("Response tokens")) return TraceFormat.BurstGpt;
        if (!Has("num_prefill_tokens") || !Has("num_decode_tokens")) return null;
        return Has("arrived_at") ? TraceFormat.Csv : TraceFormat.Lengths;

        bool Has(string name) => header.Contains(name, StringComparer.OrdinalIgnoreCase);
    }

    private static TraceFormat? OfJson(List<string> properties)
    {
        if (Has("arrived_at")) return TraceFormat.Jsonl;
        if (Has("input_toks")) return TraceFormat.LlmServingSim;
        if (!Has("input_length") || !Has("timestamp")) return null;
        return Has("chat_id") || Has("turn") ? TraceFormat.Bailian : TraceFormat.Mooncake;

        bool Has(string name) => properties.Contains(name, StringComparer.Ordinal);
    }

    private static List<string> Properties(TraceLines lines)
    {
        var names = new List<string>();
        try
        {
            var json = new Utf8JsonReader(lines.Current);
            while (json.Read())
                if (json.TokenType == JsonTokenType.PropertyName && json.CurrentDepth == 1) names.Add(json.GetString()!);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw lines.Error($"found {NumberText.Quote(lines.Current)}, expected one JSON object per line: {e.Message}");
        }

        return names;
    }
}
