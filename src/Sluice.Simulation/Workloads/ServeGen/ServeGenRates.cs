using System.Globalization;
using System.Text;
using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>One window of a client's arrivals.</summary>
/// <param name="StartSeconds">From the start of the recording.</param>
/// <param name="Rate">Requests per second; 0 when the client was silent.</param>
/// <param name="Cv">Coefficient of variation of the gaps.</param>
/// <param name="IsWeibull">The better fit of the gaps; otherwise gamma.</param>
internal readonly record struct ServeGenWindow(double StartSeconds, double Rate, double Cv, bool IsWeibull);

/// <summary>Reads a <c>chunk-N-trace.csv</c>: rows of t [s], rate [1/s], CV, law, and two parameters of the law, without a
/// header.</summary>
/// <remarks>The parameters are not used: rate and CV determine both laws, and where a window holds few requests the fitted
/// parameters miss its rate.</remarks>
internal static class ServeGenRates
{
    /// <summary>Windows of ten minutes.</summary>
    public const double WindowSeconds = 600;

    private static readonly string[] s_columns = ["t", "rate", "cv", "law"];

    /// <exception cref="InputException">A row cannot be read, or they are out of order.</exception>
    public static List<ServeGenWindow> Read(string path)
    {
        var windows = new List<ServeGenWindow>();
        using var lines = new TraceLines(path);
        while (lines.MoveNext())
        {
            var fields = Encoding.UTF8.GetString(lines.Current).Split(',');
            if (fields.Length < s_columns.Length)
                throw lines.Error($"found {fields.Length} fields, expected t,rate,cv,law and two parameters");

            var window = new ServeGenWindow(
                Number(lines, fields, column: 0, max: 1e9), Number(lines, fields, column: 1, max: 1e6),
                Number(lines, fields, column: 2, max: 1e6), IsWeibull(lines, fields));
            if (windows.Count > 0 && window.StartSeconds < windows[^1].StartSeconds + WindowSeconds)
                throw lines.Error($"column 't' (1): found '{fields[0]}', expected windows {WindowSeconds} s apart in order");
            windows.Add(window);
        }

        return windows;
    }

    private static double Number(TraceLines lines, string[] fields, int column, double max) =>
        double.TryParse(fields[column], NumberStyles.Float, CultureInfo.InvariantCulture, out var value)
            && value >= 0 && value <= max
            ? value
            : throw lines.Error(string.Create(CultureInfo.InvariantCulture,
                $"column '{s_columns[column]}' ({column + 1}): found '{fields[column]}', expected a number from 0 to {max}"));

    private static bool IsWeibull(TraceLines lines, string[] fields) => fields[3].Trim() switch
    {
        "Weibull" => true,
        "Gamma" or "Exponential" or "" => false,
        var law => throw lines.Error($"column 'law' (4): found '{law}', expected Gamma, Weibull, Exponential or nothing"),
    };
}
