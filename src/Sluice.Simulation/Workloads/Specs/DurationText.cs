using System.Globalization;

namespace Sluice.Simulation;

/// <summary>Durations as people type them: <c>50ms</c>, <c>1.5s</c>, <c>10m</c>, <c>24h</c>; a plain number is
/// seconds.</summary>
public static class DurationText
{
    /// <returns>False for anything else, for a negative time, and for one past 100 years.</returns>
    public static bool TryParse(ReadOnlySpan<char> text, out TimeSpan duration)
    {
        duration = default;
        text = text.Trim();
        var digits = text.TrimEnd("msh");
        double? unit = text[digits.Length..] switch
        {
            "ms" => 0.001,
            "s" or "" => 1,
            "m" => 60,
            "h" => 3600,
            _ => null,
        };
        if (unit is null
            || !double.TryParse(digits, NumberStyles.Float, CultureInfo.InvariantCulture, out var number)) return false;

        var seconds = number * unit.Value;
        if (!(seconds is >= 0 and <= 100 * 365.25 * 86_400)) return false;

        duration = new((long)Math.Round(seconds * TimeSpan.TicksPerSecond));
        return true;
    }
}
