using Sluice.Core;

namespace Sluice.Simulation.Tests;

public sealed class WorkloadCutTests
{
    /// <summary>One request a second for 1,000 s; its prompt says when it came.</summary>
    private static Workload Recorded { get; } = new()
    {
        Name = "recorded",
        Origin = "made",
        Requests =
        [
            .. Enumerable.Range(0, 1001).Select(i => new Request
            {
                Id = new(i), Arrival = Instant.FromSeconds(i), PromptTokens = i + 1, MaxOutputTokens = 5000,
            }),
        ],
        OutputTokens = [.. Enumerable.Range(0, 1001).Select(i => i + 2)],
        Calls = Enumerable.Range(0, 1001).ToDictionary(i => i, i => new[] { new ToolCall(1, TimeSpan.FromSeconds(1), ResponseTokens: i) }),
    };

    [Fact]
    public void A_window_is_one_stretch_of_the_time_with_everything_that_belongs_to_its_requests()
    {
        for (var seed = 0UL; seed < 50; seed++)
        {
            var window = Recorded.Window(0.1, new Rng(seed));

            var first = window.Requests[0].PromptTokens;
            Assert.InRange(window.Requests.Length, 100, 101);
            for (var i = 0; i < window.Requests.Length; i++)
            {
                Assert.Equal(new RequestId(i), window.Requests[i].Id);
                Assert.Equal(first + i, window.Requests[i].PromptTokens);
                Assert.Equal(first + i + 1, window.OutputTokens[i]);
                Assert.Equal(first + i - 1, window.Calls![i][0].ResponseTokens);
                Assert.InRange(window.Requests[i].Arrival.Seconds, i, i + 1);
            }
        }
    }

    [Fact]
    public void Starts_are_spread_over_the_time()
    {
        int[] starts = [.. Enumerable.Range(0, 300).Select(seed => Recorded.Window(0.1, new Rng((ulong)seed)).Requests[0].PromptTokens)];

        for (var tenth = 0; tenth < 9; tenth++) Assert.Contains(starts, s => s / 100 == tenth);
        Assert.InRange(starts.Average(), 400, 500);
    }

    [Fact]
    public void The_whole_is_the_workload_itself() => Assert.Same(Recorded, Recorded.Window(1, new Rng(1)));

    [Fact]
    public void A_window_in_which_nobody_comes_is_refused()
    {
        var error = Assert.Throws<InputException>(() => Recorded.Window(1e-7, new Rng(3)));

        Assert.Contains("nobody arrives", error.Message, StringComparison.Ordinal);
    }
}
