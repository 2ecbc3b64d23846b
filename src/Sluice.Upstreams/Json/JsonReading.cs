using System.Text.Json;

namespace Sluice.Upstreams;

/// <summary>Reads JSON from outside without trusting its shape.</summary>
internal static class JsonReading
{
    public static IEnumerable<JsonElement> Items(this JsonElement json, string name) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out var list) && list.ValueKind == JsonValueKind.Array
            ? list.EnumerateArray().Where(item => item.ValueKind == JsonValueKind.Object)
            : [];

    public static JsonElement? Member(this JsonElement json, string name) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out var value) ? value : null;

    /// <returns>Null if it is no text, or no valid Unicode.</returns>
    public static string? Text(this JsonElement json, string name)
    {
        try
        {
            return json.Member(name) is { ValueKind: JsonValueKind.String } value ? value.GetString() : null;
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    public static bool Flag(this JsonElement json, string name) => json.Member(name) is { ValueKind: JsonValueKind.True };

    public static long Whole(this JsonElement json, string name, long otherwise) =>
        json.Member(name) is { ValueKind: JsonValueKind.Number } value && value.TryGetInt64(out var number) && number <= int.MaxValue
            ? number
            : otherwise;
}
