using System.Text.Json;
using Sluice.Core;

namespace Sluice.Gateway;

/// <summary>Everything the dashboard and <c>sluice top</c> show, as one JSON object. Times are seconds; ages count back from now.</summary>
internal static class DashboardState
{
    public static void Write(
        Utf8JsonWriter json, LoopSnapshot now, IReadOnlyList<QueuedGroup> groups, GatewayServices gateway, RequestStats stats,
        NotableEvents events)
    {
        json.WriteStartObject();
        json.WriteString("system"u8, gateway.Options.System);
        json.WriteNumber("uptime_s"u8, Math.Round(now.At.Seconds, 3));
        json.WriteNumber("queued"u8, now.Queued);
        json.WriteNumber("live"u8, now.Live);
        json.WriteBoolean("stopping"u8, gateway.Loop.IsStopping);
        Engines(json, now, groups, gateway);
        Classes(json, now, gateway, stats);
        Waits(json, gateway.Loop.Calibration, stats);
        Events(json, now, events);
        json.WriteStartArray("requests"u8);
        foreach (var request in now.Requests) Request(json, request, now, gateway);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void Engines(Utf8JsonWriter json, LoopSnapshot now, IReadOnlyList<QueuedGroup> groups, GatewayServices gateway)
    {
        json.WriteStartArray("engines"u8);
        foreach (var engine in now.Engines)
        {
            json.WriteStartObject();
            json.WriteString("name"u8, engine.Name);
            json.WriteString("kind"u8, engine.Kind.ToString());
            json.WriteString("state"u8, !engine.IsPresent ? "gone" : engine.IsLoading ? "loading" : engine.IsReady ? "ready" : "doubtful");
            json.WriteString("model"u8, engine.Model);
            json.WriteStartArray("models"u8);
            foreach (var model in engine.Models) json.WriteStringValue(model);
            json.WriteEndArray();
            json.WriteNumber("outstanding"u8, engine.Outstanding);
            json.WriteNumber("places"u8, engine.Places);
            json.WriteNumber("tokens_per_s"u8, Math.Round(engine.TokensPerSecond, 1));
            json.WriteNumber("output_tokens"u8, engine.OutputTokens);
            json.WriteNumber("kv_used"u8, engine.Report.KvUsed);
            json.WriteNumber("failures_in_row"u8, engine.BrokenInRow);
            Groups(json, groups, engine.Id, now, gateway);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartObject("limbo"u8);
        Groups(json, groups, EngineId.None, now, gateway);
        json.WriteEndObject();
    }

    private static void Groups(
        Utf8JsonWriter json, IReadOnlyList<QueuedGroup> groups, EngineId engine, LoopSnapshot now, GatewayServices gateway)
    {
        json.WriteStartArray("queue"u8);
        foreach (var group in groups)
        {
            if (group.Engine != engine || group.Waiting == 0) continue;
            json.WriteStartObject();
            json.WriteNumber("group"u8, group.Number);
            json.WriteString("model"u8, gateway.Loop.Models.NameOf(group.Model));
            json.WriteString("class"u8, gateway.Loop.Find(group.First) is { } first ? gateway.Options.Classes[first.Call.Class].Name : "");
            json.WriteNumber("waiting"u8, group.Waiting);
            json.WriteNumber("running"u8, group.Running);
            if (group.Deadline != Instant.Never) json.WriteNumber("due_in_s"u8, Math.Round((group.Deadline - now.At).TotalSeconds, 3));
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void Classes(Utf8JsonWriter json, LoopSnapshot now, GatewayServices gateway, RequestStats stats)
    {
        json.WriteStartArray("classes"u8);
        for (var i = 0; i < gateway.Options.Classes.All.Count; i++)
        {
            var sloClass = gateway.Options.Classes.All[i];
            var all = stats.All.Where(s => s.Class == sloClass.Name).ToList();
            json.WriteStartObject();
            json.WriteString("name"u8, sloClass.Name);
            json.WriteString("promise"u8, PromiseText(sloClass.Slo));
            json.WriteNumber("waiting"u8, now.Requests.Count(r => r.Class.Index == i && r.Engine.Length == 0));
            json.WriteNumber("running"u8, now.Requests.Count(r => r.Class.Index == i && r.Engine.Length > 0));
            json.WriteNumber("ended"u8, all.Sum(s => s.Ended));
            json.WriteNumber("met"u8, all.Sum(s => s.Met));
            json.WriteNumber("finished"u8, all.Sum(s => s.Finished));
            json.WriteNumber("rejected"u8, all.Sum(s => s.Rejected));
            json.WriteNumber("cancelled"u8, all.Sum(s => s.Cancelled));
            json.WriteNumber("failed"u8, all.Sum(s => s.Failed));
            json.WriteNumber("evictions"u8, all.Sum(s => s.Evictions));
            json.WriteNumber("output_tokens"u8, all.Sum(s => s.OutputTokens));
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteNumber("model_loads"u8, stats.ModelLoads);
        json.WriteNumber("engines_lost"u8, stats.EnginesLost);
    }

    private static void Waits(Utf8JsonWriter json, RwtCalibration? calibration, RequestStats stats)
    {
        json.WriteStartObject("waits"u8);
        if (calibration is { Count: > 0 } c)
        {
            json.WriteNumber("count"u8, c.Count);
            json.WriteNumber("p90_coverage"u8, Math.Round(c.CoverageOfP90, 4));
            if (double.IsFinite(c.RelativeError)) json.WriteNumber("relative_error"u8, Math.Round(c.RelativeError, 4));
        }

        json.WriteStartArray("points"u8);
        foreach (var sample in stats.Waits)
        {
            if (!double.IsFinite(sample.PredictedMean)) continue;
            json.WriteStartArray();
            json.WriteNumberValue(Math.Round(sample.PredictedMean, 4));
            json.WriteNumberValue(Math.Round(sample.Actual, 4));
            json.WriteEndArray();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void Events(Utf8JsonWriter json, LoopSnapshot now, NotableEvents events)
    {
        json.WriteStartArray("events"u8);
        foreach (var e in events.Newest)
        {
            json.WriteStartObject();
            json.WriteNumber("n"u8, e.Number);
            json.WriteNumber("ago_s"u8, Math.Round((now.At - e.At).TotalSeconds, 3));
            json.WriteString("what"u8, e.What);
            json.WriteString("engine"u8, e.Engine);
            json.WriteString("subject"u8, e.Subject);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void Request(Utf8JsonWriter json, RequestNow request, LoopSnapshot now, GatewayServices gateway)
    {
        json.WriteStartObject();
        json.WriteString("id"u8, request.ExternalId);
        json.WriteString("model"u8, request.Model);
        json.WriteString("class"u8, gateway.Options.Classes[request.Class].Name);
        json.WriteString("state"u8, WaitReason.StateOf(request));
        json.WriteString("engine"u8, request.Engine);
        json.WriteNumber("age_s"u8, Math.Round((now.At - request.ArrivedAt).TotalSeconds, 3));
        json.WriteNumber("prompt_tokens"u8, request.PromptTokens);
        json.WriteNumber("output_tokens"u8, request.OutputTokens);
        json.WriteNumber("evictions"u8, request.Evictions);
        if (WaitReason.DueOf(request) is var due && due != Instant.Never)
            json.WriteNumber("due_in_s"u8, Math.Round((due - now.At).TotalSeconds, 3));
        if (request.Forecast is { } forecast && double.IsFinite(forecast.Mean))
        {
            json.WriteNumber("wait_s"u8, Math.Round(forecast.Mean, 3));
            json.WriteNumber("ahead"u8, forecast.Ahead);
        }

        json.WriteString("why"u8, WaitReason.Of(request, now));
        json.WriteEndObject();
    }

    internal static string PromiseText(Slo slo)
    {
        (string Name, TimeSpan Span)[] promises = [("first token", slo.Ttft), ("per token", slo.Tpot), ("whole answer", slo.E2e)];
        var made = promises.Where(p => p.Span != TimeSpan.MaxValue).Select(p => $"{p.Name} {WaitReason.Text(p.Span)}").ToArray();
        return made.Length == 0 ? "none" : string.Join(", ", made);
    }
}
