using System.Globalization;

namespace Sluice.Gateway;

/// <summary>Completion windows: OpenAI's <c>24h</c>, and as an extension any other, in seconds, minutes, hours or
/// days.</summary>
internal static class BatchWindow
{
    public const string Known = "a whole number with s, m, h or d, such as 24h, 30m or 2d";

    public static bool TryParse(string text, out TimeSpan window)
    {
        window = default;
        if (text.Length is < 2 or > 12) return false;
        if (!long.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            return false;
        var seconds = text[^1] switch
        {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            _ => 0,
        };
        if (seconds == 0 || number is 0 or > 10_000_000) return false;
        window = TimeSpan.FromSeconds(number * seconds);
        return true;
    }
}
