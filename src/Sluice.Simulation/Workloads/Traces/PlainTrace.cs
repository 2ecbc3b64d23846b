namespace Sluice.Simulation;

/// <summary>Sluice's own CSV, whose first three columns are those of Vidur, and Vidur's length files, which lack the
/// arrivals.</summary>
/// <remarks>Source of the names: microsoft/vidur, MIT. Columns not named here are ignored.</remarks>
internal static class PlainTrace
{
    public static TraceRows Read(TraceLines lines)
    {
        var table = new CsvTable(lines);
        return Read(table, table.Require("arrived_at"));
    }

    public static TraceRows ReadLengths(TraceLines lines) => Read(new(lines), time: -1);

    private static TraceRows Read(CsvTable table, int time)
    {
        var prompt = table.Require("num_prefill_tokens");
        var output = table.Require("num_decode_tokens");
        var model = table.Find("model");
        var tenant = table.Find("tenant");
        var @class = table.Find("class");
        var prefix = table.Find("prefix_id");

        var rows = new TraceRows { HasArrivals = time >= 0 };
        while (table.MoveNext())
        {
            var row = new TraceRow
            {
                Ticks = time < 0 ? 0 : table.Seconds(time),
                PromptTokens = table.Count(prompt, TraceLimits.TokensMax),
                OutputTokens = table.Count(output, TraceLimits.TokensMax),
                Model = model < 0 ? 0 : rows.Models.IndexOf(table.Field(model)),
                Tenant = tenant < 0 ? 0 : rows.Tenants.IndexOf(table.Field(tenant)),
                Class = @class < 0 ? 0 : rows.Classes.IndexOf(table.Field(@class)),
                ContentStart = rows.ContentIds.Count,
            };
            if (prefix >= 0 && table.Field(prefix) is { IsEmpty: false } id)
            {
                rows.ContentIds.Add((long)PrefixHasher.ContentOf(id));
                row.ContentCount = 1;
            }

            rows.Add(row);
        }

        return rows;
    }
}
