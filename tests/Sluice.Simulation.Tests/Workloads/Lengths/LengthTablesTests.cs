using System.Text.Json;
using Sluice.Core;

namespace Sluice.Simulation.Tests;

/// <summary>The shipped tables are what a fit to the traces gives. After a change of the fit, put what the first test writes
/// in the place of <c>length-tables.json</c>.</summary>
public sealed class LengthTablesTests
{
    private static readonly (string Name, string File, string Origin)[] s_fitted =
    [
        ("sharegpt", "sharegpt_10k_lengths_llama2.csv.gz",
            "fitted to 10,000 ShareGPT conversations counted by Llama 2's tokenizer (vidur_opt_scheduler, MIT)"),
        ("azure-conv", "azure2023_conv.csv.gz",
            "fitted to the Azure LLM inference trace 2023, conversation (AzurePublicDataset, CC-BY-4.0; Splitwise, ISCA 2024)"),
        ("azure-code", "azure2023_code.csv.gz",
            "fitted to the Azure LLM inference trace 2023, code (AzurePublicDataset, CC-BY-4.0; Splitwise, ISCA 2024)"),
    ];

    [SharedDataFact]
    public void Shipped_tables_equal_a_fresh_fit()
    {
        var fresh = "[\n" + string.Join(",\n", s_fitted.Select(entry => Json(Fit(entry)))) + "\n]\n";
        using var resource = typeof(LengthTables).Assembly.GetManifestResourceStream("length-tables.json")!;
        var shipped = new StreamReader(resource).ReadToEnd();

        var path = Path.Combine(AppContext.BaseDirectory, "length-tables.json");
        if (fresh != shipped) File.WriteAllText(path, fresh);
        Assert.True(fresh == shipped, $"the fresh fit is in {path}");
    }

    [SharedDataFact]
    public void Draws_have_the_means_and_quantiles_of_the_traces()
    {
        foreach (var entry in s_fitted)
        {
            var (prompts, outputs) = Lengths(entry.File);
            var drawn = Draw(entry.Name, 200_000);
            AssertNear(entry.Name + " prompt", prompts, [.. drawn.Select(d => d.Prompt)]);
            AssertNear(entry.Name + " output", outputs, [.. drawn.Select(d => d.Output)]);
            Assert.Equal(
                Correlation(prompts, outputs), Correlation([.. drawn.Select(d => d.Prompt)], [.. drawn.Select(d => d.Output)]), 0.08);
        }
    }

    [Fact]
    public void Sharegpt_has_the_known_means_without_the_trace()
    {
        var drawn = Draw("sharegpt", 200_000);
        Assert.Equal(246, drawn.Average(d => d.Prompt), 8.0);
        Assert.Equal(326, drawn.Average(d => d.Output), 8.0);
    }

    [Fact]
    public void Alpaca_is_shorter_than_sharegpt_by_the_published_factors()
    {
        var (alpaca, sharegpt) = (Draw("alpaca", 100_000), Draw("sharegpt", 100_000));
        Assert.Equal(8.4, sharegpt.Average(d => d.Prompt) / alpaca.Average(d => d.Prompt), 0.3);
        Assert.Equal(5.8, sharegpt.Average(d => d.Output) / alpaca.Average(d => d.Output), 0.2);
        Assert.StartsWith("derived", LengthTables.Find("alpaca")!.Origin, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_name_has_a_table_that_says_where_it_is_from()
    {
        foreach (var name in LengthTables.Names)
        {
            var table = LengthTables.Find(name)!;
            Assert.True(table.IsWellFormed());
            Assert.NotEmpty(table.Origin);
        }

        Assert.Null(LengthTables.Find("nothing"));
    }

    private static (int Prompt, int Output)[] Draw(string name, int count)
    {
        var rng = new Rng(5);
        var table = LengthTables.Find(name)!;
        var drawn = new (int, int)[count];
        for (var i = 0; i < count; i++) drawn[i] = table.Draw(ref rng);
        return drawn;
    }

    private static LengthTable Fit((string Name, string File, string Origin) entry)
    {
        var (prompts, outputs) = Lengths(entry.File);
        return LengthTable.Fit(entry.Name, entry.Origin, prompts, outputs);
    }

    private static (int[] Prompts, int[] Outputs) Lengths(string file)
    {
        var load = TraceReader.Read(SharedData.Trace(file), TraceFormat.Auto, new() { Arrivals = "constant:rate=1" });
        return ([.. load.Requests.Select(r => r.PromptTokens)], load.OutputTokens);
    }

    private static string Json(LengthTable table)
    {
        var rows = string.Join(",\n", table.OutputByPromptFifth.Select(row => $"   [{string.Join(",", row)}]"));
        return $$"""
             {"name": {{JsonSerializer.Serialize(table.Name)}},
              "origin": {{JsonSerializer.Serialize(table.Origin).Replace("\\u0027", "'", StringComparison.Ordinal)}},
              "prompt": [{{string.Join(",", table.Prompt)}}],
              "outputByPromptFifth": [
            {{rows}}]}
            """.ReplaceLineEndings("\n");
    }

    private static void AssertNear(string what, int[] seen, int[] drawn)
    {
        Array.Sort(seen = [.. seen]);
        Array.Sort(drawn);
        var (a, b) = (seen.Average(), drawn.Average());
        Assert.True(Math.Abs(a - b) < 0.02 * a, $"{what}: mean {a} of the trace, {b} drawn");
        foreach (var q in (double[])[0.5, 0.9, 0.99])
        {
            (a, b) = (seen[(int)(q * seen.Length)], drawn[(int)(q * drawn.Length)]);
            Assert.True(Math.Abs(a - b) <= Math.Max(0.03 * a, 1), $"{what}: quantile {q} {a} of the trace, {b} drawn");
        }
    }

    /// <summary>Of ranks would be better; of logarithms is close and short.</summary>
    private static double Correlation(int[] x, int[] y)
    {
        var (mx, my) = (x.Average(v => Math.Log(v)), y.Average(v => Math.Log(v)));
        var (xy, xx, yy) = (0.0, 0.0, 0.0);
        for (var i = 0; i < x.Length; i++)
        {
            var (dx, dy) = (Math.Log(x[i]) - mx, Math.Log(y[i]) - my);
            (xy, xx, yy) = (xy + dx * dy, xx + dx * dx, yy + dy * dy);
        }

        return xy / Math.Sqrt(xx * yy);
    }
}
