using System.Globalization;
using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>One text of the form <c>kind:key=value,key=value</c>. Values may hold commas inside parentheses.</summary>
/// <remarks>Whoever reads a spec asks for every key it knows and then calls <see cref="Finish"/>, which complains about the
/// keys nobody asked for; so the list of valid keys is never written down twice.</remarks>
internal sealed class Spec
{
    private readonly string _text;
    private readonly List<(string Key, string Value)> _given = [];
    private readonly List<string> _asked = [];

    /// <exception cref="InputException">A part is not key=value, or a key is given twice.</exception>
    public Spec(string text)
    {
        _text = text.Trim();
        var colon = _text.IndexOf(':');
        Kind = (colon < 0 ? _text : _text[..colon]).Trim();
        if (colon >= 0 && colon + 1 < _text.Length) ReadKeys(_text[(colon + 1)..]);
    }

    /// <summary>The word before the colon, or all of the text when there is none.</summary>
    public string Kind { get; }

    public bool Has(string key) => Take(key) is not null;

    public string Text(string key, string fallback) => Take(key) ?? fallback;

    public string Text(string key) => Take(key) ?? throw Error($"has no '{key}', expected {key}=…");

    /// <summary>A number in [<paramref name="min"/>, <paramref name="max"/>].</summary>
    public double Number(string key, double min, double max, double? fallback = null)
    {
        if (fallback is { } value && Take(key) is null) return value;

        var text = Text(key);
        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out value)
            && value >= min && value <= max
            ? value
            : throw Wrong(key, text, Invariant($"a number from {min} to {max}"));
    }

    /// <summary>A whole number in [<paramref name="min"/>, <paramref name="max"/>].</summary>
    public int Count(string key, int min, int max, int? fallback = null)
    {
        if (fallback is { } value && Take(key) is null) return value;

        var text = Text(key);
        return int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value)
            && value >= min && value <= max
            ? value
            : throw Wrong(key, text, Invariant($"a whole number from {min} to {max}"));
    }

    public TimeSpan Duration(string key, TimeSpan? fallback = null)
    {
        if (fallback is { } value && Take(key) is null) return value;

        var text = Text(key);
        return DurationText.TryParse(text, out value)
            ? value
            : throw Wrong(key, text, "a duration such as 50ms, 2s, 10m or 1h");
    }

    /// <exception cref="InputException">A key was given that nobody asked for.</exception>
    public void Finish()
    {
        foreach (var (key, _) in _given)
            if (!_asked.Contains(key)) throw Error($"has the key '{key}': {Nearest.HintAndList(key, _asked)}");
    }

    public InputException Wrong(string key, string found, string expected) =>
        Error($"has {key}={found}, expected {expected}");

    public InputException Error(string message) => new($"'{_text}' {message}");

    public override string ToString() => _text;

    /// <summary>Cuts at the separators that stand outside parentheses.</summary>
    public static List<string> Split(string text, char separator)
    {
        var parts = new List<string>();
        var depth = 0;
        var start = 0;
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '(') depth++;
            else if (text[i] == ')') depth--;
            else if (text[i] == separator && depth == 0)
            {
                parts.Add(text[start..i].Trim());
                start = i + 1;
            }
        }

        parts.Add(text[start..].Trim());
        return parts;
    }

    private void ReadKeys(string text)
    {
        foreach (var part in Split(text, ','))
        {
            var equals = part.IndexOf('=');
            if (equals <= 0) throw Error($"has '{part}', expected key=value");

            var key = part[..equals].Trim();
            if (_given.Exists(entry => entry.Key == key)) throw Error($"gives '{key}' twice");
            _given.Add((key, part[(equals + 1)..].Trim()));
        }
    }

    private string? Take(string key)
    {
        if (!_asked.Contains(key)) _asked.Add(key);
        foreach (var (given, value) in _given)
            if (given == key) return value;
        return null;
    }

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);
}
