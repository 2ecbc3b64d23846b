using System.Globalization;
using Sluice.Core;

namespace Sluice.Gateway;

/// <summary>Says in a sentence or two why a request is where it is.</summary>
internal static class WaitReason
{
    public static string StateOf(RequestNow request) =>
        request.Engine.Length == 0 ? "waiting" : request.FirstTokenAt == Instant.Never ? "on engine" : "answering";

    /// <summary>When its next promise is due: the first token, then the whole answer.</summary>
    public static Instant DueOf(RequestNow request) =>
        request.FirstTokenAt == Instant.Never && request.Slo.Ttft != TimeSpan.MaxValue
            ? request.ArrivedAt + request.Slo.Ttft
            : request.Slo.E2e == TimeSpan.MaxValue ? Instant.Never : request.ArrivedAt + request.Slo.E2e;

    public static string Of(RequestNow request, LoopSnapshot now)
    {
        var before = request.Evictions == 0
            ? ""
            : $" It gave way {request.Evictions} time{(request.Evictions == 1 ? "" : "s")} to more urgent work and keeps its "
                + $"{request.OutputTokens} tokens.";
        if (request.Engine.Length > 0)
        {
            var waited = Text(request.DispatchedAt - request.ArrivedAt);
            return request.FirstTokenAt == Instant.Never
                ? $"On {request.Engine}, which has not shown a first token yet; it waited {waited}.{before}"
                : $"Answering on {request.Engine}: {request.OutputTokens} tokens so far; it waited {waited}.{before}";
        }

        var able = now.Engines.Where(e => e.IsPresent && e.Models.Contains(request.Model)).ToList();
        if (able.Count == 0) return $"No engine that serves {request.Model} is there now; it is held until one comes back.{before}";
        var loaded = able.Where(e => e.Model == request.Model && !e.IsLoading).ToList();
        var loading = able.Where(e => e.IsLoading).ToList();
        var where = loaded.Count == 0
            ? loading.Count > 0
                ? $"{loading[0].Name} is loading {request.Model}."
                : $"{request.Model} is loaded nowhere; {able[0].Name} can load it when what it runs has ended."
            : loaded.All(e => e.Outstanding >= e.Places)
                ? $"Every place is taken on {List(loaded.Select(e => $"{e.Name} ({e.Outstanding} of {e.Places})"))}."
                : $"{List(loaded.Where(e => e.Outstanding < e.Places).Select(e => e.Name))} has room, but prompts sent before it, "
                    + "its memory or more urgent work come first.";
        var forecast = request.Forecast is { } f && double.IsFinite(f.Mean)
            ? $" {Count(f.Ahead)} ahead of it; it should go in {Text(TimeSpan.FromSeconds(f.Mean))} (nine of ten within "
                + $"{Text(TimeSpan.FromSeconds(f.P90))})."
            : "";
        return where + forecast + before;
    }

    public static string Text(TimeSpan span) => span.TotalSeconds switch
    {
        < 0.0995 => string.Create(CultureInfo.InvariantCulture, $"{span.TotalMilliseconds:0} ms"),
        < 99.95 => string.Create(CultureInfo.InvariantCulture, $"{span.TotalSeconds:0.#} s"),
        < 5999 => string.Create(CultureInfo.InvariantCulture, $"{span.TotalMinutes:0.#} min"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{span.TotalHours:0.#} h"),
    };

    private static string Count(int ahead) => ahead switch
    {
        0 => "Nobody is",
        1 => "One request is",
        _ => $"{ahead} requests are",
    };

    private static string List(IEnumerable<string> names)
    {
        string[] all = [.. names];
        return all.Length <= 3 ? string.Join(", ", all) : $"{string.Join(", ", all.Take(3))} and {all.Length - 3} more";
    }
}
