using System.Text.Json;
using Sluice.Core;

namespace Sluice.Simulation.Tests;

public sealed class ChromeTraceTests
{
    [Fact]
    public void Slices_of_one_lane_do_not_overlap()
    {
        var slices = Events(MadeUpRun.Make(requests: 800, rate: 20)).Where(e => Kind(e) == "X")
            .Select(e => (
                Lane: (e.GetProperty("pid").GetInt32(), e.GetProperty("tid").GetInt32()),
                Begin: Ticks(e.GetProperty("ts")), End: Ticks(e.GetProperty("ts")) + Ticks(e.GetProperty("dur"))))
            .ToArray();

        Assert.True(slices.Length > 1600);
        foreach (var lane in slices.GroupBy(s => s.Lane))
        {
            var ordered = lane.OrderBy(s => s.Begin).ThenBy(s => s.End).ToArray();
            for (var i = 1; i < ordered.Length; i++) Assert.True(ordered[i].Begin >= ordered[i - 1].End);
        }
    }

    [Fact]
    public void A_request_is_drawn_as_waiting_prefill_and_decode_on_its_engine()
    {
        var run = new TinyRun().Finished(0, 50, 100, 300, output: 11, engine: 1).Make();

        Assert.Equal(
            ["waiting 0+50", "prefill 50+50", "decode 100+200"],
            Events(run).Where(e => Kind(e) == "X" && e.GetProperty("pid").GetInt32() == 2).Select(e =>
                $"{e.GetProperty("name")} {e.GetProperty("ts").GetDouble() / 1000}+{e.GetProperty("dur").GetDouble() / 1000}"));
    }

    [Fact]
    public void A_rejected_request_is_drawn_under_the_fleet()
    {
        var slice = Assert.Single(Events(new TinyRun().Lost(5, Outcome.Rejected).Make()), e => Kind(e) == "X");

        Assert.Equal(0, slice.GetProperty("pid").GetInt32());
        Assert.Equal("rejected", slice.GetProperty("args").GetProperty("outcome").GetString());
    }

    [Fact]
    public void Counters_follow_the_samples() =>
        Assert.Equal(6, Events(new TinyRun().Make()).Count(e => Kind(e) == "C"));

    [Fact]
    public void A_cut_file_says_so()
    {
        var trace = Parse(MadeUpRun.Make(requests: 100), requestsMax: 10);

        Assert.Equal(10, trace.GetProperty("otherData").GetProperty("requests_written").GetInt32());
        Assert.Contains("first 10 of 100", trace.GetProperty("otherData").GetProperty("note").GetString(), StringComparison.Ordinal);
    }

    private static JsonElement Parse(RunResult run, int requestsMax) =>
        JsonDocument.Parse(RunJsonTests.Text(s => ChromeTrace.Write(run, s, requestsMax))).RootElement;

    private static JsonElement[] Events(RunResult run) => [.. Parse(run, 5000).GetProperty("traceEvents").EnumerateArray()];

    private static string? Kind(JsonElement e) => e.GetProperty("ph").GetString();

    private static long Ticks(JsonElement microseconds) => (long)Math.Round(microseconds.GetDouble() * 10);
}
