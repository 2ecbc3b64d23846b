using System.Globalization;
using System.Text;
using System.Text.Json;
using Sluice.Simulation;

namespace Sluice.Cli;

/// <summary>The gateway's state as a page of text.</summary>
internal static class TopPage
{
    private const int EventsMax = 8, BarWidth = 16;

    public static string Draw(JsonElement state, int width)
    {
        var page = new StringBuilder();
        var queued = Whole(state, "queued");
        Line($"Sluice, {Text(state, "system")}, up {Figures.Span(Number(state, "uptime_s"))}: {queued} waiting, "
            + $"{Whole(state, "live") - queued} on engines");
        Line("");
        Line($"{"engine",-22}{"state",-10}{"model",-26}{"running",-(BarWidth + 10)}{"tok/s",8}  waiting, in the order they will run");
        foreach (var engine in state.GetProperty("engines").EnumerateArray())
        {
            var (outstanding, places) = (Whole(engine, "outstanding"), Math.Max(1, Whole(engine, "places")));
            var filled = (int)Math.Min(BarWidth, (outstanding * BarWidth + places - 1) / places);
            var bar = new string('█', filled) + new string('·', BarWidth - filled);
            Line($"{Cut(Text(engine, "name"), 21),-22}{Text(engine, "state"),-10}{Cut(Text(engine, "model"), 25),-26}"
                + $"{bar} {outstanding + "/" + places,-9}{Number(engine, "tokens_per_s").ToString("0", CultureInfo.InvariantCulture),8}  "
                + Groups(engine, Text(engine, "model")));
        }

        Line("");
        Line($"{"class",-14}{"waiting",9}{"running",9}{"finished",10}{"kept",9}{"refused",9}{"failed",8}{"evictions",11}  promise");
        foreach (var c in state.GetProperty("classes").EnumerateArray())
        {
            var ended = Whole(c, "ended");
            Line($"{Cut(Text(c, "name"), 13),-14}{Whole(c, "waiting"),9}{Whole(c, "running"),9}{Whole(c, "finished"),10}"
                + $"{(ended == 0 ? "-" : Figures.Share(Whole(c, "met") / (double)ended)),9}{Whole(c, "rejected"),9}{Whole(c, "failed"),8}"
                + $"{Whole(c, "evictions"),11}  {Text(c, "promise")}");
        }

        Line("");
        foreach (var e in state.GetProperty("events").EnumerateArray().Take(EventsMax))
            Line($"{Figures.Span(Number(e, "ago_s")) + " ago",-12}{Text(e, "what"),-10}{Text(e, "engine")} {Text(e, "subject")}");
        return page.ToString();

        void Line(string text) => page.Append(Cut(text, width)).Append('\n');
    }

    private static string Groups(JsonElement engine, string home)
    {
        string[] groups =
        [
            .. engine.GetProperty("queue").EnumerateArray().Select(g =>
                $"{Whole(g, "waiting")} {Text(g, "class")}{(Text(g, "model") == home ? "" : $" ({Text(g, "model")})")}"),
        ];
        return groups.Length == 0 ? "-" : string.Join(" | ", groups);
    }

    private static string Cut(string text, int width) => text.Length <= width ? text : text[..(width - 1)] + "…";
    private static string Text(JsonElement e, string name) => e.GetProperty(name).GetString() ?? "";
    private static long Whole(JsonElement e, string name) => e.GetProperty(name).GetInt64();
    private static double Number(JsonElement e, string name) => e.GetProperty(name).GetDouble();
}
