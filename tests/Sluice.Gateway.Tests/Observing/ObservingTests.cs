using System.Net;
using System.Text.Json;
using Sluice.Core;
using Sluice.Simulation;

namespace Sluice.Gateway.Tests;

/// <summary>What can be seen of a gateway: metrics, dashboard, journal.</summary>
public sealed class ObservingTests
{
    [Fact]
    public async Task Metrics_count_requests_by_model_class_and_outcome()
    {
        await using var gateway = await TestGateway.StartAsync(new FakeUpstream());
        await gateway.ChatAsync();
        await gateway.ChatAsync("", ("x-sluice-class", "batch"));

        var response = await gateway.Client.GetAsync("/metrics");
        var text = await response.Content.ReadAsStringAsync();

        Assert.Equal("text/plain", response.Content.Headers.ContentType!.MediaType);
        Assert.Contains("sluice_requests_total{model=\"m\",class=\"default\",outcome=\"finished\"} 1\n", text, StringComparison.Ordinal);
        Assert.Contains("sluice_requests_total{model=\"m\",class=\"batch\",outcome=\"finished\"} 1\n", text, StringComparison.Ordinal);
        Assert.Contains("sluice_slo_met_total{model=\"m\",class=\"default\"} 1\n", text, StringComparison.Ordinal);
        Assert.Contains("sluice_time_to_first_token_seconds_count{model=\"m\",class=\"default\"} 1\n", text, StringComparison.Ordinal);
        Assert.Contains("sluice_engine_up{engine=\"fake\",model=\"m\"} 1\n", text, StringComparison.Ordinal);
        Assert.Contains("vllm:num_requests_waiting 0\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_line_of_the_metrics_is_a_comment_or_a_sample_and_buckets_only_grow()
    {
        await using var gateway = await TestGateway.StartAsync(new FakeUpstream("with \"quotes\" and \\"));
        for (var i = 0; i < 3; i++) await (await gateway.ChatAsync(",\"stream\":true")).EventsAsync(); // To its end, or it is not counted yet.

        var lines = (await gateway.Client.GetStringAsync("/metrics")).Split('\n', StringSplitOptions.RemoveEmptyEntries);

        Assert.All(lines, line => Assert.Matches("""^(# (HELP|TYPE) [a-z_:]+ .+|[a-z_:]+(\{[a-z_]+="([^"\\]|\\.)*"(,[a-z_]+="([^"\\]|\\.)*")*\})? -?[0-9.E+Inf-]+)$""", line));
        double[] buckets = [.. lines.Where(l => l.StartsWith("sluice_request_duration_seconds_bucket", StringComparison.Ordinal))
            .Select(l => double.Parse(l.Split(' ')[^1], System.Globalization.CultureInfo.InvariantCulture))];
        Assert.Equal(buckets.Order(), buckets);
        Assert.Equal(3, buckets[^1]);
    }

    [Fact]
    public async Task The_dashboard_shows_who_waits_for_what_and_why()
    {
        var end = new TaskCompletionSource();
        var engine = new FakeUpstream { SequencesMax = 1 };
        engine.Script = async (call, sink, cancel) =>
        {
            await end.Task.WaitAsync(cancel);
            return await FakeUpstream.WordsAsync(call, sink, cancel, "one");
        };
        await using var gateway = await TestGateway.StartAsync(engine);
        var events = new CountEnds();
        gateway.Loop.Events.Add(events);
        Task<HttpResponseMessage>[] answers = [gateway.ChatAsync("", ("x-sluice-on-late", "hold")), gateway.ChatAsync("", ("x-request-id", "mine"), ("x-sluice-on-late", "hold"))];
        await events.Queued(2);

        var state = await (await gateway.Client.GetAsync("/dashboard/state")).JsonAsync();

        Assert.Equal((1, 2), (state.GetProperty("queued").GetInt32(), state.GetProperty("live").GetInt32()));
        var lane = state.GetProperty("engines")[0];
        Assert.Equal("ready", lane.GetProperty("state").GetString());
        var group = Assert.Single(lane.GetProperty("queue").EnumerateArray());
        Assert.Equal((1, "default"), (group.GetProperty("waiting").GetInt32(), group.GetProperty("class").GetString()));
        var waiting = state.GetProperty("requests").EnumerateArray().Single(r => r.GetProperty("state").GetString() == "waiting");
        Assert.Contains("Every place is taken on fake (1 of 1)", waiting.GetProperty("why").GetString(), StringComparison.Ordinal);
        end.SetResult();
        await Task.WhenAll(answers);
    }

    [Theory]
    [InlineData("/", "text/html")]
    [InlineData("/dashboard/app.js", "text/javascript")]
    [InlineData("/dashboard/style.css", "text/css")]
    public async Task The_dashboards_files_are_in_the_program(string path, string type)
    {
        await using var gateway = await TestGateway.StartAsync(new FakeUpstream());

        var response = await gateway.Client.GetAsync(path);

        Assert.Equal((HttpStatusCode.OK, type), (response.StatusCode, response.Content.Headers.ContentType!.MediaType));
        Assert.Contains("default-src 'none'", response.Header("content-security-policy"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_journal_is_a_trace_that_the_simulator_reads()
    {
        var folder = Directory.CreateTempSubdirectory("sluice-journal-").FullName;
        try
        {
            var gateway = await TestGateway.StartAsync(new GatewayOptions { JournalFolder = folder }, null, new FakeUpstream());
            await using (gateway)
            {
                for (var i = 0; i < 5; i++) await gateway.ChatAsync("", ("x-sluice-ttft-ms", "5000"), ("x-sluice-class", i == 0 ? "batch" : "interactive"));
            }

            var file = Assert.Single(Directory.GetFiles(folder));
            var lines = await File.ReadAllLinesAsync(file);
            var workload = WorkloadSource.FromTrace(file, TraceFormat.Auto, new TraceOptions { Rng = new Rng(1), WithModels = true });

            Assert.Equal(5, lines.Length);
            Assert.All(lines, line => Assert.Equal("finished", JsonDocument.Parse(line).RootElement.GetProperty("outcome").GetString()));
            Assert.Equal([3, 3, 3, 3, 3], workload.OutputTokens);
            Assert.All(workload.Requests, r => Assert.Equal(TimeSpan.FromSeconds(5), r.Slo.Ttft));
            Assert.Equal(["batch", "interactive"], workload.Classes);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
