using Sluice.Core;
using Sluice.Simulation;

namespace Sluice.Policies.Tests;

public sealed class ShepherdTests
{
    /// <summary>Eight long answers fill the engine; the ninth request is promised a token within a second.</summary>
    private static Workload LongOnesAndAnUrgentOne => A.Workload(Enumerable.Range(0, 9).Select(i => (
        A.Request(
            i, promptTokens: 100, maxOutputTokens: 2000, arrivalTicks: i == 8 ? TimeSpan.TicksPerSecond : 0,
            slo: new(i == 8 ? TimeSpan.FromSeconds(1) : TimeSpan.FromHours(1), TimeSpan.MaxValue, TimeSpan.MaxValue)),
        i == 8 ? 10 : 1000)));

    [Fact]
    public void A_running_batch_gives_way_to_one_that_would_be_late()
    {
        var run = SwapFleet.Run("shepherd", LongOnesAndAnUrgentOne, SwapFleet.Of(engines: 1, models: 1));

        Assert.Equal(9, SwapFleet.Finished(run));
        Assert.Equal(8, run.Evictions);
        Assert.InRange(run.Log.FirstToken[8] - run.Log.Arrival[8], 0, TimeSpan.TicksPerSecond);
    }

    [Fact]
    public void Without_preemption_the_urgent_one_waits_for_a_place()
    {
        var run = SwapFleet.Run("shepherd preemption=off", LongOnesAndAnUrgentOne, SwapFleet.Of(engines: 1, models: 1));

        Assert.Equal(0, run.Evictions);
        Assert.True(run.Log.FirstToken[8] - run.Log.Arrival[8] > TimeSpan.TicksPerSecond);
    }

    [Fact]
    public void What_is_taken_off_loses_its_KV_and_computes_its_tokens_again()
    {
        var run = SwapFleet.Run("shepherd", LongOnesAndAnUrgentOne, SwapFleet.Of(engines: 1, models: 1));

        Assert.True(run.PrefillTokens > 9 * 100 + 8 * 100, $"{run.PrefillTokens} tokens of prompts computed");
    }

    [Fact]
    public void Nothing_is_taken_off_for_a_request_of_the_same_promise()
    {
        var load = SwapFleet.Alternating(50, models: 1, perSecond: 20, _ => TimeSpan.FromSeconds(5), output: 500);

        Assert.Equal(0, SwapFleet.Run("shepherd", load, SwapFleet.Of(engines: 1, models: 1)).Evictions);
    }
}
