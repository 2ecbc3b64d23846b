using System.Globalization;

namespace Sluice.Simulation;

/// <summary>How figures are written in tables for people: three to four significant digits, thousands apart, and a dash
/// for what does not exist.</summary>
public static class Figures
{
    public static string Number(double value) => Math.Abs(value) switch
    {
        _ when !double.IsFinite(value) => "-",
        0 => "0",
        < 0.001 => value.ToString("0.0e+0", CultureInfo.InvariantCulture),
        < 1 => value.ToString("0.####", CultureInfo.InvariantCulture),
        < 100 => value.ToString("0.##", CultureInfo.InvariantCulture),
        < 1000 => value.ToString("0.#", CultureInfo.InvariantCulture),
        _ => value.ToString("#,##0", CultureInfo.InvariantCulture),
    };

    public static string Count(long value) => value.ToString("#,##0", CultureInfo.InvariantCulture);

    /// <summary>Two decimals, as benchmark tables print latencies.</summary>
    public static string TwoDecimals(double value) =>
        double.IsFinite(value) ? value.ToString("0.00", CultureInfo.InvariantCulture) : "-";

    /// <summary>As a percentage. Never rounds up to 100 % what missed one.</summary>
    public static string Share(double value)
    {
        if (!double.IsFinite(value)) return "-";
        var percent = value is < 1 and > 0.9999 ? 99.99 : value * 100;
        return percent.ToString("0.##", CultureInfo.InvariantCulture) + " %";
    }

    /// <summary>A latency in the unit in which it reads best.</summary>
    public static string Latency(double milliseconds) => milliseconds switch
    {
        _ when !double.IsFinite(milliseconds) => "-",
        >= 1000 => Number(milliseconds / 1000) + " s",
        _ => Number(milliseconds) + " ms",
    };

    public static string Span(double seconds) => seconds switch
    {
        _ when !double.IsFinite(seconds) => "-",
        < 1 => Number(seconds * 1000) + " ms",
        < 120 => Number(seconds) + " s",
        < 7200 => Number(seconds / 60) + " min",
        _ => Number(seconds / 3600) + " h",
    };
}
