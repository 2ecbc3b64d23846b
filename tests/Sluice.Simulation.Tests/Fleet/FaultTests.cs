using Sluice.Core;

namespace Sluice.Simulation.Tests;

public sealed class FaultTests
{
    private static readonly Instant s_halfSecond = Instant.FromSeconds(0.5);
    private static readonly Instant s_second = Instant.FromSeconds(1);

    [Fact]
    public void An_engine_that_comes_back_finds_no_prefix_in_its_cache()
    {
        var prompt = new ulong[] { 1, 2, 3, 4 };
        var workload = A.Workload(
        [
            (A.Request(0, promptTokens: 70, promptBlocks: prompt), 10),
            (A.Request(1, promptTokens: 70, promptBlocks: prompt, arrivalTicks: s_halfSecond.Ticks - 1), 10),
        ]);

        var log = Run(workload, A.System("vllm-v1", "kv=prefix-cache"), Lose(s_halfSecond), Join(s_second)).Log;

        Assert.Equal([0, 0], log.CachedPromptTokens); // The second found it once, and then came back to nothing.
    }

    [Fact]
    public void An_answer_goes_on_after_the_tokens_its_caller_has()
    {
        var workload = A.Workload([(A.Request(), 700)]);

        var log = Run(workload, A.System("vllm-v1"), Lose(s_halfSecond), Join(s_second)).Log;

        Assert.Equal(Outcome.Finished, log.Outcome[0]);
        Assert.Equal(700, log.OutputTokens[0]);
        Assert.Equal(TimeSpan.TicksPerMillisecond, log.FirstToken[0]); // The first one, not one after the loss.

        // A step is a millisecond. 499 ended before the loss, which comes before the turn at its instant.
        Assert.Equal((s_second + TimeSpan.FromMilliseconds(700 - 499)).Ticks, log.Ended[0]);
    }

    [Fact]
    public void A_caller_who_left_just_before_the_engine_died_is_not_served_again()
    {
        var workload = A.Workload([(A.Request(), 2000)]);
        var cancelled = new Fault(s_halfSecond, FaultKind.Cancel, 0);

        var log = Run(workload, A.System("vllm-v1"), cancelled, Lose(s_halfSecond), Join(s_second)).Log;

        Assert.Equal(Outcome.Cancelled, log.Outcome[0]);
        Assert.Equal(s_halfSecond.Ticks, log.Ended[0]);
    }

    [Fact]
    public void A_caller_who_leaves_at_the_very_end_of_preparation_is_not_served()
    {
        var media = new MediaWork(MediaKind.Image, 1, 5, s_halfSecond - default(Instant));
        var workload = A.Workload([(A.Request(media: media), 1000)]);

        var log = Run(workload, A.System("vllm-v1"), new Fault(s_halfSecond, FaultKind.Cancel, 0)).Log;

        Assert.Equal(Outcome.Cancelled, log.Outcome[0]);
    }

    [Fact]
    public void Very_many_queued_requests_may_fail_at_once()
    {
        var workload = A.Workload(Enumerable.Range(0, 100_000).Select(i => (A.Request(i, promptTokens: i == 0 ? 1 : 5000), 10)));
        var options = Options() with { OutstandingMax = 1, KvTokens = 1000 };
        var simulator = new Simulator(workload, A.System("vllm-v1"), options);

        simulator.Run();

        var result = simulator.Result(default, []);
        Assert.Equal(99_999, result.Log.Outcome.Count(o => o is Outcome.Failed));
    }

    [Fact]
    public void A_later_stage_of_a_program_is_served_before_who_arrived_after_it()
    {
        // Stage two has the greatest id and arrives in the middle of a queue.
        var second = TimeSpan.TicksPerSecond;
        var workload = A.Workload(
        [
            (A.Request(0), 1000),
            (A.Request(1, arrivalTicks: 0), 100),
            (A.Request(2, arrivalTicks: second + second / 20), 100),
            (A.Request(3) with { Arrival = Instant.Never }, 100),
        ], new Dictionary<int, FollowUp[]> { [0] = [new(3, TimeSpan.Zero)] });

        var simulator = new Simulator(workload, A.System("vllm-v1"), Options() with { OutstandingMax = 1 });
        simulator.Run();
        var log = simulator.Result(default, []).Log;

        Assert.True(log.Dispatched[1] < log.Dispatched[3]);
        Assert.True(log.Dispatched[3] < log.Dispatched[2]);
    }

    private static SimulationOptions Options(params Fault[] faults) => new() { Engines = [A.Profile()], Faults = faults };

    private static RunResult Run(Workload workload, ServingSystem system, params Fault[] faults)
    {
        var simulator = new Simulator(workload, system, Options(faults));
        simulator.Run();
        return simulator.Result(default, []);
    }

    private static Fault Lose(Instant at) => new(at, FaultKind.LoseEngine, 0);
    private static Fault Join(Instant at) => new(at, FaultKind.JoinEngine, 0);
}
