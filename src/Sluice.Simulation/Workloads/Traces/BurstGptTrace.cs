namespace Sluice.Simulation;

/// <summary>BurstGPT: seconds from the start, the model asked, token counts, and whether it was a conversation or an API
/// call, which becomes the class.</summary>
/// <remarks>Source: HPMLL/BurstGPT, CC-BY-4.0. Part 3 has two more columns, which are not used. A response of 0 tokens is
/// a failed request and is left out.</remarks>
internal static class BurstGptTrace
{
    public static TraceRows Read(TraceLines lines)
    {
        var table = new CsvTable(lines);
        var time = table.Require("Timestamp");
        var prompt = table.Require("Request tokens");
        var output = table.Require("Response tokens");
        var model = table.Find("Model");
        var kind = table.Find("Log Type");

        var rows = new TraceRows();
        while (table.MoveNext())
            rows.Add(new()
            {
                Ticks = table.Seconds(time),
                PromptTokens = table.Count(prompt, TraceLimits.TokensMax),
                OutputTokens = table.Count(output, TraceLimits.TokensMax),
                Model = model < 0 ? 0 : rows.Models.IndexOf(table.Field(model)),
                Class = kind < 0 ? 0 : rows.Classes.IndexOf(table.Field(kind)),
            });
        return rows;
    }
}
