using System.Text.Json;
using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>A run in the Chrome trace event format, for Perfetto and chrome://tracing: one process per engine with a lane
/// per concurrent request (waiting above, prefill and decode below), and the fleet's counters.</summary>
/// <remarks>A request is drawn on the engine that served it last, and its decode includes time lost to preemption; the log
/// keeps no more. Time stamps are microseconds.</remarks>
public static class ChromeTrace
{
    private const int FleetProcess = 0;

    /// <summary>Lanes of running requests come after those of waiting ones.</summary>
    private const int RunningLanes = 100_000;
    private const double TicksPerMicrosecond = TimeSpan.TicksPerMicrosecond;

    /// <param name="requestsMax">The first so many that arrived are written; the file says so when there are more.</param>
    public static void Write(RunResult result, Stream stream, int requestsMax = 5000)
    {
        var log = result.Log;
        int[] arrived = [.. Enumerable.Range(0, log.Count).Where(i => log.Arrival[i] >= 0).OrderBy(i => log.Arrival[i])];
        var drawn = arrived.AsSpan(0, Math.Min(arrived.Length, requestsMax));

        var engines = Math.Max(result.Engines, log.Engine.Append((short)-1).Max() + 1);

        using var json = new Utf8JsonWriter(stream, new JsonWriterOptions { SkipValidation = true });
        json.WriteStartObject();
        json.WriteString("displayTimeUnit", "ms");
        WriteMetadata(json, result, drawn.Length, arrived.Length);
        json.WriteStartArray("traceEvents");
        WriteName(json, "process_name", FleetProcess, 0, "fleet");
        for (var engine = 0; engine < engines; engine++)
            WriteName(json, "process_name", ProcessOf(engine), 0, $"engine {engine}");

        // A request that never ran is drawn under the fleet, which is engine -1.
        for (var engine = -1; engine < engines; engine++)
        {
            WriteWaiting(json, result, drawn, engine);
            WriteRunning(json, result, drawn, engine);
        }

        foreach (var sample in result.Series.Samples) WriteCounters(json, sample);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static int ProcessOf(int engine) => engine + 1;

    private static void WriteMetadata(Utf8JsonWriter json, RunResult result, int drawn, int arrived)
    {
        json.WriteStartObject("otherData");
        json.WriteString("system", result.System);
        json.WriteString("workload", result.Workload.Name);
        json.WriteNumber("requests_written", drawn);
        json.WriteNumber("requests_total", arrived);
        json.WriteString(
            "note", drawn < arrived ? $"cut: only the first {drawn} of {arrived} requests are drawn" : "all requests are drawn");
        json.WriteEndObject();
    }

    private static void WriteWaiting(Utf8JsonWriter json, RunResult result, ReadOnlySpan<int> drawn, int engine)
    {
        var log = result.Log;
        var lanes = new Lanes();
        foreach (var i in drawn)
        {
            if (log.Engine[i] != engine) continue;

            var until = log.Started[i] >= 0 ? log.Started[i] : EndOf(result, i);
            if (until == log.Arrival[i] && log.Started[i] >= 0) continue; // It did not wait.
            WriteSlice(json, result, i, "waiting", engine, lanes.Take(log.Arrival[i], until), log.Arrival[i], until);
        }

        for (var lane = 0; lane < lanes.Count; lane++)
            WriteName(json, "thread_name", ProcessOf(engine), lane, $"waiting {lane}");
    }

    private static void WriteRunning(Utf8JsonWriter json, RunResult result, ReadOnlySpan<int> drawn, int engine)
    {
        var log = result.Log;
        var started = new List<int>();
        foreach (var i in drawn)
            if (log.Engine[i] == engine && log.Started[i] >= 0) started.Add(i);
        started.Sort((a, b) => (log.Started[a], a).CompareTo((log.Started[b], b)));

        var lanes = new Lanes();
        foreach (var i in started)
        {
            var end = EndOf(result, i);
            var lane = RunningLanes + lanes.Take(log.Started[i], end);
            var firstToken = log.FirstToken[i] >= 0 ? log.FirstToken[i] : end;
            WriteSlice(json, result, i, "prefill", engine, lane, log.Started[i], firstToken);
            if (end > firstToken) WriteSlice(json, result, i, "decode", engine, lane, firstToken, end);
        }

        for (var lane = 0; lane < lanes.Count; lane++)
            WriteName(json, "thread_name", ProcessOf(engine), RunningLanes + lane, $"running {lane}");
    }

    private static long EndOf(RunResult result, int i) =>
        result.Log.Ended[i] >= 0 ? result.Log.Ended[i] : result.End.Ticks;

    private static void WriteSlice(
        Utf8JsonWriter json, RunResult result, int i, string phase, int engine, int lane, long begin, long end)
    {
        var (log, request) = (result.Log, result.Workload.Requests[i]);
        json.WriteStartObject();
        json.WriteString("name", phase);
        json.WriteString("cat", result.Workload.Classes[request.Class.Index]);
        json.WriteString("ph", "X");
        json.WriteNumber("ts", begin / TicksPerMicrosecond);
        json.WriteNumber("dur", (end - begin) / TicksPerMicrosecond);
        json.WriteNumber("pid", ProcessOf(engine));
        json.WriteNumber("tid", lane);
        json.WriteStartObject("args");
        json.WriteNumber("request", request.Id.Value);
        json.WriteNumber("prompt_tokens", request.PromptTokens);
        json.WriteNumber("output_tokens", log.OutputTokens[i]);
        json.WriteNumber("preemptions", log.Preemptions[i]);
        json.WriteString("outcome", log.Outcome[i].ToString().ToLowerInvariant());
        json.WriteBoolean("met_slo", Promises.Met(log, request.Slo, i));
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteCounters(Utf8JsonWriter json, Sample sample)
    {
        WriteCounter(json, sample.AtTicks, "waiting", sample.Waiting);
        WriteCounter(json, sample.AtTicks, "running", sample.Running);
        WriteCounter(json, sample.AtTicks, "KV used [%]", sample.KvUsed * 100);
    }

    private static void WriteCounter(Utf8JsonWriter json, long ticks, string name, double value)
    {
        json.WriteStartObject();
        json.WriteString("name", name);
        json.WriteString("ph", "C");
        json.WriteNumber("ts", ticks / TicksPerMicrosecond);
        json.WriteNumber("pid", FleetProcess);
        json.WriteStartObject("args");
        json.WriteNumber("value", value);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteName(Utf8JsonWriter json, string kind, int process, int lane, string name)
    {
        json.WriteStartObject();
        json.WriteString("name", kind);
        json.WriteString("ph", "M");
        json.WriteNumber("pid", process);
        json.WriteNumber("tid", lane);
        json.WriteStartObject("args");
        json.WriteString("name", name);
        json.WriteEndObject();
        json.WriteEndObject();
    }
}
