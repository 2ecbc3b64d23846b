using System.Text.Json;
using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>Reads JSON Lines: one flat object per request, unknown properties ignored.</summary>
internal static class JsonTrace
{
    /// <param name="lines">Standing on the first request.</param>
    public static TraceRows Read(TraceLines lines, JsonLayout layout)
    {
        var rows = new TraceRows { ContentBlockTokens = layout.HashBlockTokens };
        do ReadLine(lines, layout, rows);
        while (lines.MoveNext());
        return rows;
    }

    private static void ReadLine(TraceLines lines, JsonLayout layout, TraceRows rows)
    {
        var json = new Utf8JsonReader(lines.Current);
        try
        {
            var row = ReadObject(lines, ref json, layout, rows);
            if (json.Read()) throw Error(lines, ref json, "a single object on the line");
            rows.Add(row);
        }
        catch (JsonException e)
        {
            throw lines.Error($"column {(e.BytePositionInLine ?? 0) + 1}: expected one JSON object per line: {Reason(e)}");
        }
        catch (InvalidOperationException e) // A property name or string that is not valid UTF-8.
        {
            throw lines.Error($"column {json.TokenStartIndex + 1}: {e.Message}");
        }
    }

    private static TraceRow ReadObject(TraceLines lines, ref Utf8JsonReader json, JsonLayout layout, TraceRows rows)
    {
        if (!json.Read() || json.TokenType != JsonTokenType.StartObject) throw Error(lines, ref json, "a JSON object");

        var row = new TraceRow { ContentStart = rows.ContentIds.Count, Ticks = -1, PromptTokens = -1, OutputTokens = -1 };
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            if (json.ValueTextEquals(layout.Time)) row.Ticks = Time(lines, ref json, layout);
            else if (json.ValueTextEquals(layout.Prompt)) row.PromptTokens = Tokens(lines, ref json, layout.Prompt);
            else if (json.ValueTextEquals(layout.Output)) row.OutputTokens = Tokens(lines, ref json, layout.Output);
            else if (Is(ref json, layout.HashIds)) ReadHashIds(lines, ref json, rows);
            else if (Is(ref json, layout.PrefixId)) ReadPrefixId(lines, ref json, rows);
            else if (Is(ref json, layout.Model)) row.Model = Name(lines, ref json, layout.Model, rows.Models);
            else if (Is(ref json, layout.Tenant)) row.Tenant = Name(lines, ref json, layout.Tenant, rows.Tenants);
            else if (Is(ref json, layout.Class)) row.Class = Name(lines, ref json, layout.Class, rows.Classes);
            else if (!layout.HasPromises || !TryPromise(lines, ref json, ref row)) json.Skip();
        }

        if (row.Ticks < 0) throw Missing(lines, layout.Time);
        if (row.PromptTokens < 0) throw Missing(lines, layout.Prompt);
        if (row.OutputTokens < 0) throw Missing(lines, layout.Output);
        row.ContentCount = rows.ContentIds.Count - row.ContentStart;
        return row;
    }

    private static bool TryPromise(TraceLines lines, ref Utf8JsonReader json, ref TraceRow row)
    {
        if (json.ValueTextEquals("slo_ttft_ms"u8)) row.Slo = (row.Slo ?? Slo.BestEffort) with { Ttft = Promise(lines, ref json) };
        else if (json.ValueTextEquals("slo_tpot_ms"u8)) row.Slo = (row.Slo ?? Slo.BestEffort) with { Tpot = Promise(lines, ref json) };
        else if (json.ValueTextEquals("slo_e2e_ms"u8)) row.Slo = (row.Slo ?? Slo.BestEffort) with { E2e = Promise(lines, ref json) };
        else return false;
        return true;
    }

    private static TimeSpan Promise(TraceLines lines, ref Utf8JsonReader json)
    {
        json.Read();
        return json.TokenType == JsonTokenType.Number && json.TryGetDouble(out var ms) && ms is > 0 and < 1e12
            ? TimeSpan.FromMilliseconds(ms)
            : throw Error(lines, ref json, "a promise to be a number of milliseconds, above 0");
    }

    private static bool Is(ref Utf8JsonReader json, string? name) => name is not null && json.ValueTextEquals(name);

    private static long Time(TraceLines lines, ref Utf8JsonReader json, JsonLayout layout)
    {
        json.Read();
        return json.TokenType == JsonTokenType.Number && json.TryGetDouble(out var time)
            && NumberText.TryTicks(time, layout.SecondsPerUnit, out var ticks)
            ? ticks
            : throw Error(lines, ref json, $"'{layout.Time}' to be {NumberText.SecondsExpected}");
    }

    private static int Tokens(TraceLines lines, ref Utf8JsonReader json, string name)
    {
        json.Read();
        return json.TokenType == JsonTokenType.Number
            && NumberText.TryCount(json.ValueSpan, TraceLimits.TokensMax, out var n)
            ? n
            : throw Error(lines, ref json, $"'{name}' to be a whole number from 0 to {TraceLimits.TokensMax}");
    }

    private static void ReadHashIds(TraceLines lines, ref Utf8JsonReader json, TraceRows rows)
    {
        json.Read();
        if (json.TokenType == JsonTokenType.Null) return;
        if (json.TokenType != JsonTokenType.StartArray) throw Error(lines, ref json, "'hash_ids' to be an array");

        while (json.Read() && json.TokenType != JsonTokenType.EndArray)
            rows.ContentIds.Add(json.TokenType == JsonTokenType.Number && json.TryGetInt64(out var id)
                ? id
                : throw Error(lines, ref json, "'hash_ids' to hold whole numbers"));
    }

    private static void ReadPrefixId(TraceLines lines, ref Utf8JsonReader json, TraceRows rows)
    {
        if (TryText(ref json, out var text))
        {
            if (!text.IsEmpty) rows.ContentIds.Add((long)PrefixHasher.ContentOf(text));
        }
        else if (json.TokenType != JsonTokenType.Null)
        {
            throw Error(lines, ref json, "'prefix_id' to be text or a number");
        }
    }

    private static int Name(TraceLines lines, ref Utf8JsonReader json, string? name, NameTable names) =>
        TryText(ref json, out var text) || json.TokenType == JsonTokenType.Null
            ? names.IndexOf(text)
            : throw Error(lines, ref json, $"'{name}' to be text or a number");

    /// <summary>Text or number as written. Escapes stay escaped: they only have to be equal to themselves.</summary>
    private static bool TryText(ref Utf8JsonReader json, out ReadOnlySpan<byte> text)
    {
        json.Read();
        var isText = json.TokenType is JsonTokenType.String or JsonTokenType.Number;
        text = isText ? json.ValueSpan : default;
        return isText;
    }

    /// <summary>Without the position, which the library counts from the start of our line and from 0.</summary>
    private static string Reason(JsonException e) => e.Message.Split(" LineNumber:")[0];

    private static InputException Missing(TraceLines lines, string name) =>
        lines.Error($"found no '{name}', expected it in every object");

    private static InputException Error(TraceLines lines, ref Utf8JsonReader json, string expected) => lines.Error(
        $"column {json.TokenStartIndex + 1}: found {NumberText.Quote(json.ValueSpan)}, expected {expected}");
}
