using System.Globalization;
using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>A distribution given value by value, as ServeGen writes it: <c>{102: 0.25, 103: 0.75}</c>.</summary>
internal sealed class TokenMap
{
    private readonly int[] _values;
    private readonly double[] _cumulative;

    private TokenMap(int[] values, double[] cumulative) => (_values, _cumulative) = (values, cumulative);

    /// <returns>Null when the text is not such a map. An empty map is a map: see <see cref="IsEmpty"/>.</returns>
    public static TokenMap? TryParse(string text)
    {
        var inside = text.AsSpan().Trim();
        if (inside.Length < 2 || inside[0] != '{' || inside[^1] != '}') return null;

        inside = inside[1..^1].Trim();
        var values = new List<int>();
        var cumulative = new List<double>();
        var sum = 0.0;
        foreach (var range in inside.Split(','))
        {
            var entry = inside[range].Trim();
            if (entry.IsEmpty && values.Count == 0) continue;
            var colon = entry.IndexOf(':');
            if (colon < 0
                || !int.TryParse(entry[..colon].TrimEnd(), NumberStyles.None, CultureInfo.InvariantCulture, out var value)
                || !double.TryParse(entry[(colon + 1)..], NumberStyles.Float, CultureInfo.InvariantCulture, out var share)
                || value > TraceLimits.TokensMax || !(share is >= 0 and <= 1e9)) return null;

            sum += share;
            values.Add(value);
            cumulative.Add(sum);
        }

        return new([.. values], [.. cumulative]);
    }

    /// <summary>True when nothing was seen in the window the map describes.</summary>
    public bool IsEmpty => _values.Length == 0 || _cumulative[^1] <= 0;

    public int Draw(ref Rng rng)
    {
        Check.That(!IsEmpty);
        var found = Array.BinarySearch(_cumulative, rng.NextDouble() * _cumulative[^1]);
        var index = found >= 0 ? found + 1 : ~found; // The first sum above the draw.
        return _values[Math.Min(index, _values.Length - 1)];
    }
}
