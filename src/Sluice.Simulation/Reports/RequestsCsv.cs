using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>One line per request that arrived. Times of day are seconds since the run began, exact to the tick; spans are
/// milliseconds; what did not happen is empty.</summary>
/// <remarks>Latencies of requests that did not finish are empty, as they are not part of the summary's
/// percentiles.</remarks>
public static class RequestsCsv
{
    public const string Header =
        "id,class,tenant,model,arrived_at,prompt_tokens,output_tokens,started_at,first_token_at,finished_at,ttft_ms,"
        + "tpot_ms,e2e_ms,queue_ms,engine,preemptions,cached_prompt_tokens,outcome,met_slo";

    private const int TickDecimalsOfSecond = 7;
    private const int TickDecimalsOfMillisecond = 4;

    public static void Write(RunResult result, Stream stream)
    {
        var (log, workload) = (result.Log, result.Workload);
        var csv = new CsvWriter(stream);
        var names = new Names(workload);
        csv.Text(System.Text.Encoding.UTF8.GetBytes(Header));
        csv.EndLine();
        for (var i = 0; i < log.Count; i++)
        {
            if (log.Arrival[i] < 0) continue;

            WriteRow(csv, names, log, workload.Requests[i], i);
            csv.EndLine();
        }

        csv.Flush();
    }

    private static void WriteRow(CsvWriter csv, Names names, RequestLog log, Request request, int i)
    {
        var isFinished = log.Outcome[i] == Outcome.Finished;
        var arrival = log.Arrival[i];

        csv.Whole(request.Id.Value);
        csv.Text(names.Classes[request.Class.Index]);
        csv.Text(names.Tenants[request.Tenant.Index]);
        csv.Text(names.Models[request.Model.Index]);
        csv.Fixed(arrival, TickDecimalsOfSecond);
        csv.Whole(request.PromptTokens);
        csv.Whole(log.OutputTokens[i]);
        At(csv, log.Started[i]);
        At(csv, log.FirstToken[i]);
        At(csv, isFinished ? log.Ended[i] : -1);
        Span(csv, isFinished ? log.FirstToken[i] - arrival : -1);
        Span(csv, isFinished && log.OutputTokens[i] > 1 ? TpotTicks(log, i) : -1);
        Span(csv, isFinished ? log.Ended[i] - arrival : -1);
        Span(csv, log.Started[i] >= 0 ? log.Started[i] - arrival : -1);
        if (log.Engine[i] >= 0) csv.Whole(log.Engine[i]);
        else csv.Empty();
        csv.Whole(log.Preemptions[i]);
        csv.Whole(log.CachedPromptTokens[i]);
        csv.Text(names.Outcomes[(int)log.Outcome[i]]);
        csv.Whole(Promises.Met(log, request.Slo, i) ? 1 : 0);
    }

    private static long TpotTicks(RequestLog log, int i) =>
        (LatencyReader.TpotUnits(log, i) + LatencyReader.TpotUnitsPerTick / 2) / LatencyReader.TpotUnitsPerTick;

    private static void At(CsvWriter csv, long ticks)
    {
        if (ticks >= 0) csv.Fixed(ticks, TickDecimalsOfSecond);
        else csv.Empty();
    }

    private static void Span(CsvWriter csv, long ticks)
    {
        if (ticks >= 0) csv.Fixed(ticks, TickDecimalsOfMillisecond);
        else csv.Empty();
    }

    /// <summary>Every text of the file, encoded once.</summary>
    private sealed class Names(Workload workload)
    {
        public byte[][] Classes { get; } = [.. workload.Classes.Select(CsvWriter.Encode)];
        public byte[][] Tenants { get; } = [.. workload.Tenants.Select(CsvWriter.Encode)];
        public byte[][] Models { get; } = [.. workload.Models.Select(CsvWriter.Encode)];
        public byte[][] Outcomes { get; } =
            [.. Enum.GetNames<Outcome>().Select(n => CsvWriter.Encode(n.ToLowerInvariant()))];
    }
}
