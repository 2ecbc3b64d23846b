using System.Globalization;

namespace Sluice.Cli;

/// <summary>Figures as rows write them.</summary>
public static class RowText
{
    public static string Times(double ratio) => string.Create(CultureInfo.InvariantCulture, $"{ratio:0.##}×");

    public static string PerSecond(double rate) => string.Create(CultureInfo.InvariantCulture, $"{rate:0.##}/s");

    /// <param name="share">0 to 1.</param>
    public static string Percent(double share) => string.Create(CultureInfo.InvariantCulture, $"{share * 100:0.#} %");

    /// <param name="change">As a share: -0.2 is a fifth less.</param>
    public static string Change(double change) => string.Create(CultureInfo.InvariantCulture, $"{change * 100:+0.0;-0.0} %");

    public static string Seconds(double seconds) => string.Create(CultureInfo.InvariantCulture, $"{seconds:0.##} s");

    /// <summary>Names and values, best first or in the order given.</summary>
    public static string List(IEnumerable<(string Name, string Value)> items) =>
        string.Join(", ", items.Select(i => $"{i.Name} {i.Value}"));
}
