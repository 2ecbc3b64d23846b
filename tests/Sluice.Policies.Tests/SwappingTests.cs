using Sluice.Core;
using Sluice.Simulation;

namespace Sluice.Policies.Tests;

/// <summary>Schedulers that load models: they serve everything, and what they pay for it.</summary>
public sealed class SwappingTests
{
    public static TheoryData<string> Every => ["fcfs-swap", "edf-swap", "shepherd"];

    [Theory, MemberData(nameof(Every))]
    public void Every_request_of_every_model_is_served_though_there_are_more_models_than_engines(string line)
    {
        var load = SwapFleet.Alternating(300, models: 5, perSecond: 20, _ => TimeSpan.FromHours(1));

        var run = SwapFleet.Run(line, load, SwapFleet.Of(engines: 2, models: 5));

        Assert.Equal(300, SwapFleet.Finished(run));
        Assert.InRange(run.ModelLoads, 3, 300);
    }

    [Theory, MemberData(nameof(Every))]
    public void No_model_is_loaded_where_every_model_has_an_engine(string line)
    {
        var load = SwapFleet.Alternating(100, models: 2, perSecond: 2, _ => TimeSpan.FromHours(1));

        var run = SwapFleet.Run(line, load, SwapFleet.Of(engines: 2, models: 2));

        Assert.Equal(100, SwapFleet.Finished(run));
        Assert.Equal(0, run.ModelLoads);
    }

    [Theory, MemberData(nameof(Every))]
    public void What_was_queued_at_a_lost_engine_is_served_elsewhere(string line)
    {
        var load = SwapFleet.Alternating(100, models: 3, perSecond: 50, _ => TimeSpan.FromHours(1));
        var options = SwapFleet.Of(engines: 2, models: 3) with
        {
            Faults = [new(Instant.FromSeconds(1), FaultKind.LoseEngine, 0), new(Instant.FromSeconds(2), FaultKind.Cancel, 90)],
        };

        var run = SwapFleet.Run(line, load, options);

        Assert.Equal(99, SwapFleet.Finished(run));
        Assert.Equal(Outcome.Cancelled, run.Log.Outcome[90]);
    }

    public static TheoryData<string> EveryAndQlm => ["fcfs-swap", "edf-swap", "shepherd", "qlm"];

    [Theory, MemberData(nameof(EveryAndQlm))]
    public void Loads_that_fail_are_tried_again_until_everybody_is_served(string line)
    {
        var load = SwapFleet.Alternating(60, models: 3, perSecond: 20, _ => TimeSpan.FromHours(1));
        var options = SwapFleet.Of(engines: 2, models: 3) with { Faults = Failing(3, 0, 1) };

        var run = SwapFleet.Run(line, load, options);

        Assert.Equal(60, SwapFleet.Finished(run));
    }

    [Theory, MemberData(nameof(EveryAndQlm))]
    public void A_model_that_no_engine_can_load_fails_its_own_requests_only(string line)
    {
        // A single engine has model 0; of model 1 come ten requests, and it never loads.
        var load = SwapFleet.Alternating(20, models: 2, perSecond: 20, _ => TimeSpan.FromHours(1));
        var options = SwapFleet.Of(engines: 1, models: 2) with { Faults = Failing(1000, 0) };

        var run = SwapFleet.Run(line, load, options);

        Assert.All(Enumerable.Range(0, 20), i => Assert.Equal(i % 2 == 0 ? Outcome.Finished : Outcome.Failed, run.Log.Outcome[i]));
        Assert.Equal(0, run.ModelLoads);
    }

    [Theory, MemberData(nameof(EveryAndQlm))]
    public void An_engine_that_cannot_load_a_model_leaves_it_to_another_one(string line)
    {
        // Both begin with model 0. Engine 0 never loads anything.
        var load = SwapFleet.Alternating(40, models: 2, perSecond: 20, _ => TimeSpan.FromHours(1));
        var options = SwapFleet.Of(engines: 2, models: 2);
        options = options with { Engines = [options.Engines[0], options.Engines[1] with { Loaded = new(0) }], Faults = Failing(1000, 0) };

        var run = SwapFleet.Run(line, load, options);

        Assert.Equal(40, SwapFleet.Finished(run));
        for (var i = 1; i < 40; i += 2) Assert.Equal(1, run.Log.Engine[i]);
    }

    private static Fault[] Failing(int loads, params int[] engines) =>
        [.. engines.SelectMany(e => Enumerable.Repeat(new Fault(default, FaultKind.FailLoad, e), loads))];

    [Theory, MemberData(nameof(Every))]
    public void A_model_that_only_some_engines_can_run_is_served_by_those(string line)
    {
        var load = SwapFleet.Alternating(100, models: 2, perSecond: 50, _ => TimeSpan.FromHours(1));
        var options = SwapFleet.Of(engines: 2, models: 2);
        options = options with { Engines = [new([options.Engines[0].Profile, null]), options.Engines[1]] };

        var run = SwapFleet.Run(line, load, options);

        Assert.Equal(100, SwapFleet.Finished(run));
        for (var i = 1; i < 100; i += 2) Assert.Equal(1, run.Log.Engine[i]);
    }

    /// <summary>Alternating arrivals, one engine: one load per batch that can be taken in arrival order, which is one
    /// request.</summary>
    [Theory]
    [InlineData("fcfs-swap")]
    [InlineData("edf-swap")]
    public void Alternating_models_on_one_engine_cost_a_load_per_request(string line)
    {
        var load = SwapFleet.Alternating(60, models: 2, perSecond: 100, _ => TimeSpan.FromHours(1));

        var run = SwapFleet.Run(line, load, SwapFleet.Of(engines: 1, models: 2));

        Assert.Equal(60, SwapFleet.Finished(run));
        Assert.InRange(run.ModelLoads, 50, 60);
    }

    /// <summary>Batches of eight.</summary>
    [Fact]
    public void Planned_batches_cost_a_load_per_batch()
    {
        var load = SwapFleet.Alternating(60, models: 2, perSecond: 100, _ => TimeSpan.FromHours(1));

        var run = SwapFleet.Run("shepherd", load, SwapFleet.Of(engines: 1, models: 2));

        Assert.Equal(60, SwapFleet.Finished(run));
        Assert.InRange(run.ModelLoads, 1, 8);
    }

    [Fact]
    public void Earliest_deadline_takes_the_urgent_one_first_whatever_came_before()
    {
        var load = SwapFleet.Alternating(
            50, models: 1, perSecond: 1000, i => i == 49 ? TimeSpan.FromSeconds(1) : TimeSpan.FromHours(1), output: 100);
        var options = SwapFleet.Of(engines: 1, models: 1, sequencesMax: 1);

        var first = SwapFleet.Run("edf-swap", load, options).Log;
        var plain = SwapFleet.Run("fcfs-swap", load, options).Log;

        Assert.Equal(1, Enumerable.Range(0, 50).Count(i => first.Started[i] < first.Started[49]));
        Assert.Equal(49, Enumerable.Range(0, 50).Count(i => plain.Started[i] < plain.Started[49]));
    }
}
