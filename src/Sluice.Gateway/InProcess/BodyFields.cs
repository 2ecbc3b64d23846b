using System.Text.Json;
using Sluice.Core;

namespace Sluice.Gateway;

/// <summary>Fields of a caller's body, read with the bounds that they have.</summary>
internal static class BodyFields
{
    /// <exception cref="InputException">It is there and no whole number of this range.</exception>
    public static int? Whole(JsonElement body, string name, int least, int most)
    {
        if (!TryGet(body, name, out var value)) return null;
        return value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) && number >= least && number <= most
            ? number
            : throw new InputException($"{name} must be a whole number from {least} to {most}.");
    }

    /// <exception cref="InputException">It is there and no number of this range.</exception>
    public static double? Number(JsonElement body, string name, double least, double most)
    {
        if (!TryGet(body, name, out var value)) return null;
        return value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && number >= least && number <= most
            ? number
            : throw new InputException(FormattableString.Invariant($"{name} must be a number from {least} to {most}."));
    }

    public static bool Flag(JsonElement body, string name) =>
        TryGet(body, name, out var value) && value.ValueKind == JsonValueKind.True;

    /// <exception cref="InputException">It is there and neither true nor false.</exception>
    public static bool? FlagOrNull(JsonElement body, string name)
    {
        if (!TryGet(body, name, out var value)) return null;
        return value.ValueKind is JsonValueKind.True or JsonValueKind.False
            ? value.ValueKind == JsonValueKind.True
            : throw new InputException($"{name} must be true or false.");
    }

    public static string? Text(JsonElement body, string name) =>
        TryGet(body, name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    public static JsonElement? Object(JsonElement body, string name) =>
        TryGet(body, name, out var value) && value.ValueKind == JsonValueKind.Object ? value : null;

    /// <summary>One text or a list of texts, empty ones left out.</summary>
    /// <exception cref="InputException">Something else, or more than <paramref name="most"/>.</exception>
    public static string[] Texts(JsonElement body, string name, int most)
    {
        if (!TryGet(body, name, out var value)) return [];
        JsonElement[] items = value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray()] : [value];
        if (items.Length > most) throw new InputException($"{name}: {items.Length} texts, at most {most}.");
        if (items.Any(i => i.ValueKind != JsonValueKind.String)) throw new InputException($"{name} must be text or a list of texts.");
        return [.. items.Select(i => i.GetString()!).Where(t => t.Length > 0)];
    }

    private static bool TryGet(JsonElement body, string name, out JsonElement value)
    {
        value = default;
        return body.ValueKind == JsonValueKind.Object && body.TryGetProperty(name, out value) && value.ValueKind != JsonValueKind.Null;
    }
}
