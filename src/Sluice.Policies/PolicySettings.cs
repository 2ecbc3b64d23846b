using System.Globalization;
using Sluice.Core;

namespace Sluice.Policies;

/// <summary>A setting that a policy read, for listings: its key, what it means, its default.</summary>
public sealed record SettingInfo(string Key, string Meaning, string Default);

/// <summary>The <c>key=value</c> settings of one system. Policies read the keys they know; whatever nobody read is an
/// error.</summary>
public sealed class PolicySettings(IReadOnlyDictionary<string, string> values)
{
    private readonly List<SettingInfo> _read = [];

    public static PolicySettings None => new(new Dictionary<string, string>());

    /// <summary>The settings read so far, in order.</summary>
    public IReadOnlyList<SettingInfo> Read => _read;

    /// <summary>The settings as they were given, sorted by key.</summary>
    public IReadOnlyList<string> Given =>
        [.. values.OrderBy(v => v.Key, StringComparer.Ordinal).Select(v => $"{v.Key}={v.Value}")];

    /// <summary>One of a list of words; the first is the default.</summary>
    /// <exception cref="InputException">The value is none of them.</exception>
    public string Word(string key, string meaning, params ReadOnlySpan<string> words)
    {
        Note(key, $"{meaning}: {string.Join(" | ", words!)}", words[0]);
        if (!values.TryGetValue(key, out var value)) return words[0];
        if (words.Contains(value)) return value;
        throw new InputException(
            $"--set {key}={value}: expected one of {string.Join(", ", words!)}{Nearest.Hint(value, words.ToArray())}.");
    }

    /// <exception cref="InputException">The value is no whole number in the range.</exception>
    public int Whole(string key, string meaning, int byDefault, int min, int max)
    {
        Note(
            key, max == int.MaxValue ? $"{meaning}, at least {min}" : $"{meaning}, {min} to {max}",
            byDefault == int.MaxValue ? "no limit" : byDefault.ToString(CultureInfo.InvariantCulture));
        if (!values.TryGetValue(key, out var text)) return byDefault;
        if (int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) &&
            value >= min && value <= max) return value;
        throw new InputException($"--set {key}={text}: expected a whole number from {min} to {max}.");
    }

    /// <exception cref="InputException">The value is no number in the range.</exception>
    public double Number(string key, string meaning, double byDefault, double min, double max)
    {
        Note(key, FormattableString.Invariant($"{meaning}, {min} to {max}"), byDefault.ToString(CultureInfo.InvariantCulture));
        if (!values.TryGetValue(key, out var text)) return byDefault;
        if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) &&
            value >= min && value <= max) return value;
        throw new InputException(FormattableString.Invariant($"--set {key}={text}: expected a number from {min} to {max}."));
    }

    /// <summary>A list of numbers with colons between them; empty by default.</summary>
    /// <exception cref="InputException">One of them is no number in the range.</exception>
    public IReadOnlyList<double> Numbers(string key, string meaning, double min, double max)
    {
        Note(key, FormattableString.Invariant($"{meaning}, {min} to {max} each: 1:2:3"), "all 1");
        if (!values.TryGetValue(key, out var text)) return [];
        var numbers = new List<double>();
        foreach (var part in text.Split(':'))
        {
            if (!double.TryParse(part, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) || !(value >= min && value <= max))
            {
                throw new InputException(FormattableString.Invariant(
                    $"--set {key}={text}: '{part}' is no number from {min} to {max}; expected a list like 1:2:3."));
            }

            numbers.Add(value);
        }

        return numbers;
    }

    /// <exception cref="InputException">A key was set that nothing read; the message names the nearest valid one.</exception>
    public void RefuseUnread(string system)
    {
        foreach (var key in values.Keys.Order(StringComparer.Ordinal))
        {
            var known = _read.Select(s => s.Key).ToArray();
            if (known.Contains(key)) continue;
            throw new InputException(
                $"--set {key}: system '{system}' has no such setting{Nearest.Hint(key, known)}. It has: {string.Join(", ", known)}.");
        }
    }

    private void Note(string key, string meaning, string byDefault)
    {
        if (_read.All(s => s.Key != key)) _read.Add(new(key, meaning, byDefault));
    }
}
