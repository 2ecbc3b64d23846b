namespace Sluice.Simulation;

/// <summary>One line per sample of the fleet's state. Shares are 0 to 1; tokens and requests count from the start of the
/// run.</summary>
public static class TimeSeriesCsv
{
    public const string Header = "at_s,waiting,running,kv_used,kv_live,output_tokens,finished";

    public static void Write(TimeSeries series, Stream stream)
    {
        var csv = new CsvWriter(stream);
        csv.Text(System.Text.Encoding.UTF8.GetBytes(Header));
        csv.EndLine();
        foreach (var sample in series.Samples)
        {
            csv.Fixed(sample.AtTicks, decimals: 7);
            csv.Whole(sample.Waiting);
            csv.Whole(sample.Running);
            csv.Real(sample.KvUsed);
            csv.Real(sample.KvLive);
            csv.Whole(sample.OutputTokens);
            csv.Whole(sample.Finished);
            csv.EndLine();
        }

        csv.Flush();
    }
}
