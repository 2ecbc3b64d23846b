using System.Globalization;
using System.Text;

namespace Sluice.Simulation;

/// <summary>Numbers as traces write them, with the bounds every layout shares.</summary>
internal static class NumberText
{
    public const string SecondsExpected = "a time from 0 to 1e11 seconds";

    /// <summary>A whole number in [0, max]. Files that went through a spreadsheet write <c>12.0</c>, so a zero fraction
    /// passes.</summary>
    public static bool TryCount(ReadOnlySpan<byte> text, int max, out int value)
    {
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value)) return value <= max;
        if (!TryNumber(text, out var number) || number < 0 || number > max || number != Math.Floor(number)) return false;

        value = (int)number;
        return true;
    }

    public static bool TrySeconds(ReadOnlySpan<byte> text, out long ticks)
    {
        ticks = 0;
        return TryNumber(text, out var seconds) && TryTicks(seconds, secondsPerUnit: 1, out ticks);
    }

    /// <summary>False for a time that is negative, not finite or beyond <see cref="TraceLimits.SecondsMax"/>.</summary>
    public static bool TryTicks(double time, double secondsPerUnit, out long ticks)
    {
        ticks = 0;
        if (!(time >= 0 && time * secondsPerUnit <= TraceLimits.SecondsMax)) return false;

        ticks = (long)Math.Round(time * (secondsPerUnit * TimeSpan.TicksPerSecond));
        return true;
    }

    /// <summary>What was found, cut short, with unprintable bytes made visible.</summary>
    public static string Quote(ReadOnlySpan<byte> text)
    {
        if (text.IsEmpty) return "nothing";

        var shown = Encoding.UTF8.GetString(text[..Math.Min(text.Length, 60)]);
        var clean = string.Concat(shown.Select(static c => char.IsControl(c) ? '\uFFFD' : c));
        return text.Length > 60 ? $"'{clean}…'" : $"'{clean}'";
    }

    private static bool TryNumber(ReadOnlySpan<byte> text, out double value) =>
        double.TryParse(text, NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent | NumberStyles.AllowLeadingSign,
            CultureInfo.InvariantCulture, out value) && double.IsFinite(value);
}
