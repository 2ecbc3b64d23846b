namespace Sluice.Simulation;

/// <summary>Azure LLM inference traces: wall-clock times with 100 ns digits, token counts, and images in the 2025
/// one.</summary>
/// <remarks>Source: Azure/AzurePublicDataset, CC-BY-4.0; Splitwise (ISCA 2024), DynamoLLM (HPCA 2025), ModServe (SoCC
/// 2025). Conversation and code look alike.</remarks>
internal static class AzureTrace
{
    public static TraceRows Read(TraceLines lines)
    {
        var table = new CsvTable(lines);
        var time = table.Require("TIMESTAMP");
        var prompt = table.Require("ContextTokens");
        var output = table.Require("GeneratedTokens");
        var images = table.Find("NumImages");

        var rows = new TraceRows();
        while (table.MoveNext())
            rows.Add(new()
            {
                Ticks = table.WallClock(time),
                PromptTokens = table.Count(prompt, TraceLimits.TokensMax),
                OutputTokens = table.Count(output, TraceLimits.TokensMax),
                Images = images < 0 ? 0 : table.Count(images, TraceLimits.ImagesMax),
            });
        return rows;
    }
}
