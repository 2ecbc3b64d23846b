using System.Globalization;
using Sluice.Core;
using Sluice.Simulation;
using YamlDotNet.RepresentationModel;

namespace Sluice.Gateway;

/// <summary>One map of a configuration file. Every key that nobody asked for is a problem; every problem says where it is and
/// what would be right, and reading goes on, so that all are found at once.</summary>
internal sealed class ConfigMap
{
    private readonly string _path;
    private readonly string _name;
    private readonly List<string> _problems;
    private readonly Dictionary<string, (YamlNode Key, YamlNode Value)> _values = new(StringComparer.Ordinal);
    private readonly HashSet<string> _known = new(StringComparer.Ordinal);

    /// <param name="name">What the map is called in messages; empty for the file itself.</param>
    public ConfigMap(string path, string name, YamlNode node, List<string> problems)
    {
        (_path, _name, _problems) = (path, name, problems);
        if (node is YamlScalarNode { Value: null or "" or "null" or "~" }) return; // A key with nothing behind it.
        if (node is not YamlMappingNode map)
        {
            Problem(node, "expected a map of keys to values");
            return;
        }

        foreach (var (key, value) in map.Children)
        {
            if (key is not YamlScalarNode { Value: { Length: > 0 } text }) Problem(key, "expected a key");
            else if (!_values.TryAdd(text, (key, value))) Problem(key, $"'{text}' stands here twice");
        }
    }

    /// <summary>Keys in the order of the file, for maps whose keys are names.</summary>
    public IEnumerable<string> Keys => _values.Keys;

    public void Problem(YamlNode node, string message) =>
        _problems.Add($"{_path}:{node.Start.Line}:{node.Start.Column}: {(_name.Length > 0 ? _name + ": " : "")}{message}.");

    /// <summary>The problem of a value that could be read but cannot be.</summary>
    public void ProblemAt(string key, string message) => Problem(_values[key].Value, $"{key}: {message}");

    public bool Has(string key) => _values.ContainsKey(key);

    /// <summary>Says which keys were not known. Call when everything was asked for.</summary>
    public void RefuseUnknown()
    {
        string[] known = [.. _known.Order(StringComparer.Ordinal)];
        foreach (var (name, (key, _)) in _values)
            if (!_known.Contains(name)) Problem(key, $"no such key '{name}'; {Nearest.HintAndList(name, known)}");
    }

    public string? Text(string key)
    {
        if (Find(key) is not { } node) return null;
        if (node is YamlScalarNode { Value: { Length: > 0 } text }) return text;
        Problem(node, $"{key}: expected a value");
        return null;
    }

    public string? Word(string key, params ReadOnlySpan<string> words)
    {
        if (Text(key) is not { } text) return null;
        if (words.Contains(text)) return text;
        Problem(_values[key].Value, $"{key}: '{text}': expected {string.Join(", ", words!)}{Nearest.Hint(text, words.ToArray())}");
        return null;
    }

    public bool? Flag(string key) => Word(key, "true", "false") is { } word ? word == "true" : null;

    public int? Whole(string key, int min, int max)
    {
        if (Text(key) is not { } text) return null;
        if (int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) && value >= min && value <= max)
            return value;
        Problem(_values[key].Value, $"{key}: '{text}': expected a whole number from {min} to {max}");
        return null;
    }

    public double? Number(string key, double min, double max)
    {
        if (Text(key) is not { } text) return null;
        if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && value >= min && value <= max)
            return value;
        Problem(_values[key].Value, FormattableString.Invariant($"{key}: '{text}': expected a number from {min} to {max}"));
        return null;
    }

    /// <summary>A span of time such as <c>200ms</c>, <c>30s</c>, <c>15m</c>, <c>24h</c>; <c>never</c> for no limit.</summary>
    public TimeSpan? Duration(string key)
    {
        if (Text(key) is not { } text) return null;
        if (text is "never" or "none") return TimeSpan.MaxValue;
        if (DurationText.TryParse(text, out var value) && value > TimeSpan.Zero) return value;
        Problem(_values[key].Value, $"{key}: '{text}': expected a time such as 200ms, 30s, 15m or 24h, or 'never'");
        return null;
    }

    public ConfigMap? Map(string key) =>
        Find(key) is { } node ? new(_path, _name.Length > 0 ? $"{_name}.{key}" : key, node, _problems) : null;

    /// <summary>The maps of a list.</summary>
    public IEnumerable<(ConfigMap Map, YamlNode Node)> List(string key)
    {
        if (Find(key) is not { } node) yield break;
        if (node is not YamlSequenceNode list)
        {
            Problem(node, $"{key}: expected a list, each item beginning with '-'");
            yield break;
        }

        for (var i = 0; i < list.Children.Count; i++)
            yield return (new(_path, $"{key}[{i}]", list.Children[i], _problems), list.Children[i]);
    }

    public IReadOnlyList<string>? Texts(string key)
    {
        if (Find(key) is not { } node) return null;
        if (node is YamlSequenceNode list && list.Children.All(c => c is YamlScalarNode { Value.Length: > 0 }))
            return [.. list.Children.Select(c => ((YamlScalarNode)c).Value!)];
        Problem(node, $"{key}: expected a list of words");
        return null;
    }

    private YamlNode? Find(string key)
    {
        _known.Add(key);
        return _values.TryGetValue(key, out var found) ? found.Value : null;
    }
}
