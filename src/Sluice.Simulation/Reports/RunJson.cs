using System.Text.Encodings.Web;
using System.Text.Json;
using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>A run's summary as one JSON object with snake_case keys in a fixed order. Figures that do not exist (a
/// percentile of nothing) are null.</summary>
/// <remarks>Keys name their unit; latencies are objects <c>mean, p50, p90, p95, p99</c>. Keys may be added, never
/// renamed.</remarks>
public static class RunJson
{
    /// <summary>Escapes only what JSON requires, so that names stay readable in the file.</summary>
    internal static JsonWriterOptions Options => new()
    {
        Indented = true,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static void Write(RunSummary run, Stream stream)
    {
        using var json = new Utf8JsonWriter(stream, Options);
        WriteRun(json, run);
    }

    /// <summary>Several runs as one object with the array <c>runs</c>.</summary>
    public static void Write(IReadOnlyList<RunSummary> runs, Stream stream)
    {
        using var json = new Utf8JsonWriter(stream, Options);
        json.WriteStartObject();
        json.WriteStartArray("runs");
        foreach (var run in runs) WriteRun(json, run);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <summary>As above, with their <c>ranking</c>, and what could not be run in <c>left_out</c>. What only this machine
    /// measured is in <c>measured_here</c>; <c>ranking</c> is the same bytes for the same seeds.</summary>
    public static void Write(
        Ranking ranking, IReadOnlyList<RunSummary> runs, IReadOnlyList<(string System, string Reason)> leftOut, Stream stream)
    {
        using var json = new Utf8JsonWriter(stream, Options);
        json.WriteStartObject();
        RankingJson.Write(json, ranking, leftOut);
        json.WriteStartArray("runs");
        foreach (var run in runs) WriteRun(json, run);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteRun(Utf8JsonWriter json, RunSummary run)
    {
        json.WriteStartObject();
        json.WriteString("system", run.System);
        json.WriteString("workload", run.Workload);
        json.WriteString("workload_origin", run.WorkloadOrigin);
        WriteSettings(json, run.Settings);
        json.WriteNumber("engines", run.Engines);
        json.WriteNumber("devices", run.Devices);

        WriteCounts(json, run.All);
        json.WriteNumber("prompt_tokens", run.All.PromptTokens);
        json.WriteNumber("output_tokens", run.All.OutputTokens);
        json.WriteNumber("prefill_tokens", run.PrefillTokens);
        json.WriteNumber("cached_prompt_tokens", run.CachedPromptTokens);

        WriteLatencies(json, run.All, run.Itl);
        WriteFigure(json, "normalized_latency_s_per_token", run.All.NormalizedLatency);

        WriteFigure(json, "slo_attainment", run.All.SloAttainment);
        WriteFigure(json, "goodput_rps", run.Goodput);
        WriteFigure(json, "goodput_rps_per_device", run.GoodputPerDevice);
        WriteFigure(json, "goodput_tokens_per_s", run.GoodputTokensPerSecond);
        WriteFigure(json, "smooth_goodput_tokens_per_s", run.SmoothGoodput);
        WriteFigure(json, "token_deadline_attainment", run.All.SmoothShare);
        WriteFigure(json, "reader_idle_s", run.All.IdleSeconds);
        WriteFigure(json, "output_tokens_per_s", run.OutputTokensPerSecond);
        WriteFigure(json, "requests_per_s", run.RequestsPerSecond);
        WriteFigure(json, "jain_fairness", run.TenantFairness);

        json.WriteNumber("preemptions", run.Preemptions);
        if (run.Evictions > 0) json.WriteNumber("evictions", run.Evictions);
        if (run.ModelLoads > 0) json.WriteNumber("model_loads", run.ModelLoads);
        json.WriteNumber("iterations", run.Iterations);
        WriteFigure(json, "virtual_s", run.VirtualSeconds);
        WriteFigure(json, "wall_s", run.WallSeconds);
        WriteFigure(json, "requests_per_wall_s", run.RequestsPerWallSecond);
        WriteFigure(json, "peak_memory_mb", run.PeakMemoryMegabytes);
        json.WriteString("fingerprint", run.Fingerprint);

        WriteGroups(json, "classes", run.Classes);
        WriteGroups(json, "tenants", run.Tenants);

        json.WriteStartArray("notes");
        foreach (var note in run.Notes) json.WriteStringValue(note);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteSettings(Utf8JsonWriter json, IReadOnlyList<KeyValuePair<string, string>> settings)
    {
        json.WritePropertyName("settings");
        RunConfig.WriteMap(json, settings);
    }

    private static void WriteCounts(Utf8JsonWriter json, GroupSummary group)
    {
        json.WriteNumber("requests", group.Requests);
        json.WriteNumber("finished", group.Finished);
        json.WriteNumber("failed", group.Failed);
        json.WriteNumber("rejected", group.Rejected);
        json.WriteNumber("cancelled", group.Cancelled);
        json.WriteNumber("unfinished", group.Unfinished);
    }

    private static void WriteLatencies(Utf8JsonWriter json, GroupSummary group, Distribution? itl)
    {
        WriteDistribution(json, "ttft_ms", group.Ttft);
        WriteDistribution(json, "tpot_ms", group.Tpot);
        if (itl is not null) WriteDistribution(json, "itl_ms", itl);
        WriteDistribution(json, "e2e_ms", group.E2e);
        WriteDistribution(json, "queue_ms", group.Queue);
    }

    private static void WriteGroups(Utf8JsonWriter json, string key, IReadOnlyList<GroupSummary> groups)
    {
        json.WriteStartArray(key);
        foreach (var group in groups)
        {
            json.WriteStartObject();
            json.WriteString("name", group.Name);
            WriteCounts(json, group);
            json.WriteNumber("output_tokens", group.OutputTokens);
            json.WriteNumber("served_tokens", group.ServedTokens);
            WritePromise(json, "slo_ttft_ms", group.Slo?.Ttft);
            WritePromise(json, "slo_tpot_ms", group.Slo?.Tpot);
            WritePromise(json, "slo_e2e_ms", group.Slo?.E2e);
            WriteFigure(json, "slo_attainment", group.SloAttainment);
            WriteFigure(json, "token_deadline_attainment", group.SmoothShare);
            WriteFigure(json, "reader_idle_s", group.IdleSeconds);
            WriteLatencies(json, group, itl: null);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteDistribution(Utf8JsonWriter json, string key, Distribution values)
    {
        json.WriteStartObject(key);
        WriteFigure(json, "mean", values.Mean);
        WriteFigure(json, "p50", values.P50);
        WriteFigure(json, "p90", values.P90);
        WriteFigure(json, "p95", values.P95);
        WriteFigure(json, "p99", values.P99);
        json.WriteEndObject();
    }

    /// <summary>Null when nothing was promised, or not the same to all.</summary>
    private static void WritePromise(Utf8JsonWriter json, string key, TimeSpan? promise) =>
        WriteFigure(json, key, promise is { } p && p != TimeSpan.MaxValue ? p.TotalMilliseconds : double.NaN);

    internal static void WriteFigure(Utf8JsonWriter json, string key, double value)
    {
        if (double.IsFinite(value)) json.WriteNumber(key, value);
        else json.WriteNull(key);
    }
}
