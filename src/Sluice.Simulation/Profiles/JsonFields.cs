using System.Text.Json;
using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>One JSON object, read key by key; what nobody asked for is an error.</summary>
internal sealed class JsonFields
{
    private readonly JsonElement _element;
    private readonly string _path;
    private readonly List<string> _asked = [];

    /// <param name="path">Where the object stands, for messages.</param>
    public JsonFields(JsonElement element, string path)
    {
        (_element, _path) = (element, path);
        if (element.ValueKind != JsonValueKind.Object)
            throw new InputException($"{path}: expected an object {{ … }}, got {Kind(element)}.");
    }

    public string Path(string key) => $"{_path}: {key}";

    public bool Has(string key)
    {
        Ask(key);
        return _element.TryGetProperty(key, out _);
    }

    public string Text(string key)
    {
        var value = Required(key);
        return value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 } text
            ? text
            : throw Wrong(key, "text", value);
    }

    public double Number(string key, double min, double max, double? byDefault = null)
    {
        if (byDefault is { } absent && !Has(key)) return absent;
        var value = Required(key);
        return value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && number >= min && number <= max
            ? number
            : throw Wrong(key, FormattableString.Invariant($"a number from {min} to {max}"), value);
    }

    public long Whole(string key, long min, long max, long? byDefault = null)
    {
        if (byDefault is { } absent && !Has(key)) return absent;
        var value = Required(key);
        return value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) && number >= min && number <= max
            ? number
            : throw Wrong(key, FormattableString.Invariant($"a whole number from {min} to {max}"), value);
    }

    /// <summary>Empty if the key is not there.</summary>
    public IReadOnlyList<string> Texts(string key)
    {
        if (!Has(key)) return [];
        var value = Required(key);
        if (value.ValueKind != JsonValueKind.Array || value.EnumerateArray().Any(v => v.ValueKind != JsonValueKind.String))
            throw Wrong(key, "a list of texts", value);
        return [.. value.EnumerateArray().Select(v => v.GetString()!)];
    }

    public JsonFields Object(string key) => new(Required(key), Path(key));

    /// <summary>Null if the key is not there.</summary>
    public IEnumerable<JsonFields>? Objects(string key)
    {
        if (!Has(key)) return null;
        var value = Required(key);
        if (value.ValueKind != JsonValueKind.Array) throw Wrong(key, "a list [ … ]", value);
        return value.EnumerateArray().Select((v, i) => new JsonFields(v, $"{_path}: {key}[{i}]"));
    }

    /// <exception cref="InputException">There is a key that nobody asked for.</exception>
    public void RefuseUnread()
    {
        foreach (var property in _element.EnumerateObject())
        {
            if (_asked.Contains(property.Name)) continue;
            throw new InputException(
                $"{_path}: unknown key '{property.Name}'{Nearest.Hint(property.Name, _asked)}. Known: {string.Join(", ", _asked)}.");
        }
    }

    private JsonElement Required(string key)
    {
        Ask(key);
        if (_element.TryGetProperty(key, out var value)) return value;
        string[] given = [.. _element.EnumerateObject().Select(p => p.Name)];
        var near = Nearest.Of(key, [.. given.Except(_asked)]);
        throw new InputException($"{_path}: '{key}' is missing{(near is null ? "" : $"; '{near}' is no known key")}.");
    }

    private void Ask(string key)
    {
        if (!_asked.Contains(key)) _asked.Add(key);
    }

    private InputException Wrong(string key, string expected, JsonElement value) =>
        new($"{Path(key)}: expected {expected}, got {Kind(value)}.");

    private static string Kind(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "a list",
        JsonValueKind.String => $"\"{value.GetString()}\"",
        _ => value.GetRawText(),
    };
}
