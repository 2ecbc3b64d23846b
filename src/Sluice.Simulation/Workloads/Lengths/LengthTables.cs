using System.Text.Json;
using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>The named length distributions that ship with Sluice.</summary>
/// <remarks>Coarse fits of our own (see <see cref="LengthTable"/>) to public traces, not the traces themselves; each says
/// what it was fitted to. The test LengthTablesTests fits them again where the traces are at hand.</remarks>
internal static class LengthTables
{
    public static IReadOnlyList<string> Names { get; } = ["sharegpt", "azure-conv", "azure-code", "alpaca"];

    private static readonly Lazy<LengthTable[]> s_tables = new(Load);

    /// <returns>Null when no table has this name.</returns>
    public static LengthTable? Find(string name) =>
        Names.Contains(name) ? s_tables.Value.Single(table => table.Name == name) : null;

    private static LengthTable[] Load()
    {
        using var stream = typeof(LengthTables).Assembly.GetManifestResourceStream("length-tables.json")!;
        var fitted = JsonSerializer.Deserialize<LengthTable[]>(stream, JsonSerializerOptions.Web)!;
        foreach (var table in fitted) Check.That(table.IsWellFormed());

        var sharegpt = fitted.Single(table => table.Name == "sharegpt");
        return [.. fitted, Alpaca(sharegpt)];
    }

    /// <summary>Derived, not measured: no Alpaca lengths are at hand, but those of ShareGPT are longer by known
    /// factors.</summary>
    /// <remarks>Source of the factors: PagedAttention (SOSP 2023), section 6.1.</remarks>
    private static LengthTable Alpaca(LengthTable sharegpt) => sharegpt.DividedBy(
        "alpaca", "derived: the sharegpt table with prompts 8.4 and answers 5.8 times shorter", prompt: 8.4, output: 5.8);
}
