using System.Globalization;
using Sluice.Storage;

namespace Sluice.Gateway.Tests;

public sealed class BatchPromiseTests
{
    private static readonly StoredBatch s_halfDone = new(
        new("batch_1", "t", "/v1/chat/completions", "file-1", "24h", null, null, 0, 86_400), BatchStatus.InProgress, "m", null, null, null,
        default, new(Total: 1000, Completed: 400, Failed: 100), default);

    [Fact]
    public void What_is_to_be_done_before_counts() =>
        Assert.Equal(TimeSpan.FromSeconds(60), BatchPromise.Of([s_halfDone], lines: 100, linesPerSecond: 10));

    [Fact]
    public void Nothing_is_promised_before_throughput_is_known() => Assert.Null(BatchPromise.Of([s_halfDone], 100, null));

    [Fact]
    public void A_refusal_says_how_long_it_would_take()
    {
        var refusal = BatchPromise.Refusal(TimeSpan.FromHours(31), "24h");

        Assert.Equal((429, "window_unreachable", false), (refusal.Status, refusal.Code, refusal.ShouldRetry!.Value));
        Assert.Contains("31 hours", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Throughput_counts_the_time_in_which_lines_were_under_way()
    {
        var clock = new HandClock();
        var throughput = new BatchThroughput(clock, learnedAfter: 10);
        for (var i = 0; i < 10; i++)
        {
            Assert.Null(throughput.LinesPerSecond);
            throughput.Began();
            clock.Pass(TimeSpan.FromMilliseconds(500));
            throughput.Ended(isDone: true);
            clock.Pass(TimeSpan.FromHours(1)); // Idle: nothing is learned from it.
        }

        Assert.Equal(2, throughput.LinesPerSecond!.Value, tolerance: 0.02);
    }

    [Fact]
    public void A_fleet_that_became_slower_is_noticed()
    {
        var clock = new HandClock();
        var throughput = new BatchThroughput(clock, learnedAfter: 1);
        Run(TimeSpan.FromSeconds(1), 1000);
        Run(TimeSpan.FromSeconds(10), 360); // An hour, six half-lives.

        Assert.InRange(throughput.LinesPerSecond!.Value, 0.1, 0.12);

        void Run(TimeSpan each, int lines)
        {
            for (var i = 0; i < lines; i++)
            {
                throughput.Began();
                clock.Pass(each);
                throughput.Ended(isDone: true);
            }
        }
    }

    [Fact]
    public async Task A_batch_that_would_end_after_its_window_is_refused_and_told_why()
    {
        await using var gateway = await BatchGateway.StartAsync(new BatchOptions { LearnedAfter = 20 }, null, null, new FakeUpstream());
        await gateway.UntilAsync(await gateway.SubmitAsync(BatchGateway.Lines(20)), "completed");
        var file = await gateway.UploadedAsync(BatchGateway.Lines(40_000));

        var refused = await gateway.CreateAsync(file, window: "1s");
        var accepted = await gateway.CreateAsync(file, window: "30d");

        Assert.Equal(429, (int)refused.StatusCode);
        Assert.Equal("window_unreachable", (await refused.JsonAsync()).GetProperty("error").GetProperty("code").GetString());
        Assert.Equal("false", refused.Header("x-should-retry"));
        var created = (await accepted.JsonAsync()).GetProperty("created_at").GetInt64();
        Assert.True(long.Parse(accepted.Header("x-sluice-expected-completion"), CultureInfo.InvariantCulture) > created);
    }
}
