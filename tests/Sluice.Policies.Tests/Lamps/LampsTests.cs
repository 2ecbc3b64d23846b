using Sluice.Core;
using Sluice.Simulation;

namespace Sluice.Policies.Tests;

/// <summary>The card's acceptance tests 5 to 7, and calls in the engine loop.</summary>
public sealed class LampsTests
{
    private static readonly CallWaste s_card = new(PerToken: 0.0408, PerStep: 16.92, SwapPerToken: 0.136);

    [Fact]
    public void Waste_in_chunks_is_what_a_hand_computes()
    {
        // c = 1,000 tokens, 256 a chunk, M = 20,000: 3 whole chunks and 232 tokens.
        Assert.Equal(868.2499584, s_card.Recompute(1000, 20_000, 256), 1e-9);
        Assert.Equal(4385.352, s_card.Swap(1000, 20_000, 256), 1e-9);
        Assert.Equal(83.423232, s_card.Area(1000, 256), 1e-9);
        Assert.Equal(7000, CallWaste.Preserve(1000, 7), 1e-9);
    }

    [Theory]
    [InlineData(200, 30.0, 0.136, CallHandling.Recompute)] // A short context, a long call.
    [InlineData(2000, 0.01, 0.136, CallHandling.Preserve)] // A short call.
    [InlineData(8000, 2.0, 0.0004, CallHandling.Swap)] // A long context, a call of medium length, a fast link.
    public void The_least_waste_is_chosen(double context, double seconds, double swapPerToken, CallHandling expected) =>
        Assert.Equal(expected, (s_card with { SwapPerToken = swapPerToken }).Least(context, seconds, running: 20_000, chunk: 256));

    [Theory]
    [InlineData(CallHandling.Preserve, 30)]
    [InlineData(CallHandling.Swap, 30)]
    [InlineData(CallHandling.Recompute, 30 + 120)]
    public void A_call_takes_its_time_and_then_costs_what_its_handling_costs(CallHandling handling, int computedAfter)
    {
        // 100 tokens of prompt, 20 of the answer, a second of a tool that answers 30 tokens, 10 more of the answer.
        var log = new EventLog();
        var core = Engine(new Always(handling), log);
        core.TrySubmit(new(0), A.Request(promptTokens: 100), new(30, 0), 30, calls: [new(20, TimeSpan.FromSeconds(1), 30)]);
        while (core.NextTurn != Instant.Never) core.Turn();

        var began = log.Events.Single(e => e.Kind is EventKind.CallBegan);
        var ended = log.Events.Single(e => e.Kind is EventKind.CallEnded);
        Assert.Equal(20, began.Amount);
        Assert.Equal(30, ended.Amount);
        Assert.Equal(TimeSpan.TicksPerSecond, ended.At.Ticks - began.At.Ticks);
        Assert.Equal(30, log.Events.Single(e => e.Kind is EventKind.Finished).Amount);

        // The newest token is computed with what the tool said.
        Assert.Equal(100 + computedAfter + (handling is CallHandling.Recompute ? 0 : 1), core.PrefillTokens);
        Assert.Equal(core.TotalBlocks, core.FreeBlocks);
    }

    [Fact]
    public void Kept_blocks_are_given_up_before_anybody_who_runs_loses_its_own()
    {
        var log = new EventLog();
        var core = Engine(new Always(CallHandling.Preserve), log, blocks: 20); // Of 16 tokens.
        core.TrySubmit(new(0), A.Request(0, promptTokens: 150), new(10, 0), 10, calls: [new(5, TimeSpan.FromSeconds(100), 1)]);
        core.TrySubmit(new(0), A.Request(1, promptTokens: 100), new(200, 0), 200);
        while (core.NextTurn != Instant.Never) core.Turn();

        Assert.Equal(0, log.Events.Single(e => e.Kind is EventKind.Preempted).Request.Value);
        Assert.Equal(1, log.Events.First(e => e.Kind is EventKind.Finished).Request.Value);
        Assert.Equal(2, log.Events.Count(e => e.Kind is EventKind.Finished));
    }

    [Fact]
    public void A_mix_with_calls_is_answered_sooner_by_memory_and_time_than_by_output_or_arrival()
    {
        var area = MeanLatency("order=area");

        Assert.True(area < 0.97 * MeanLatency("order=length"), $"{area} s");
        Assert.True(area < 0.9 * MeanLatency("order=arrival"), $"{area} s");

        static double MeanLatency(string order)
        {
            var workload = WorkloadSource.FromSpec("poisson:rate=5,n=400,lengths=sharegpt,tools=all,tool-share=0.8", new Rng(1));
            var simulator = new Simulator(
                workload, A.System("lamps", order, "starved-after=0"),
                new SimulationOptions { Engines = [ProfileCatalog.Find("llama-2-13b@a100")], KvTokens = 20_000 });
            simulator.Run();
            return RunSummary.Of(simulator.Result(TimeSpan.Zero, [])).All.E2e.Mean / 1000;
        }
    }

    [Fact]
    public void Without_a_guard_equal_ranks_go_by_arrival()
    {
        var order = new List<int>();
        var engine = new TestEngine(new Lamps(new() { Order = LampsOrder.Arrival, StarvedAfter = 0 }, EngineContext.Bare), new(SequencesMax: 1));
        for (var i = 0; i < 6; i++) engine.Submit(i, 10, 1 + (7 * i + 3) % 5);
        engine.Run();
        order.AddRange(engine.Events.Events.Where(e => e.Kind is EventKind.Finished).Select(e => (int)e.Request.Value));

        Assert.Equal([0, 1, 2, 3, 4, 5], order);
    }

    private static EngineCore Engine(IIterationScheduler scheduler, EventLog log, int blocks = 1000) => new(
        new(0), new(), scheduler, new PagedKvCache(blocks, 16, hostBlocks: 1000), new Millisecond(), log);

    /// <summary>vllm-v1, with what becomes of the KV fixed; swapped sequences come back when there is room.</summary>
    private sealed class Always(CallHandling handling) : IterationDecorator(A.System("vllm-v1").Iteration())
    {
        public override CallHandling HandleCall(Step step, int sequence) => handling;

        public override void Compose(Step step)
        {
            while (!step.Swapped.IsEmpty && step.TrySwapIn(step.Swapped[0])) { }
            base.Compose(step);
        }
    }

    private sealed class Millisecond : IModelRunner, IStepTimeModel
    {
        public IStepTimeModel? ClosedForm => this;
        public long PerContextToken => 0;
        public long Run(Batch batch) => StepTime(in batch.Shape);
        public long StepTime(in BatchShape shape) => 1_000_000_000_000;
    }
}
