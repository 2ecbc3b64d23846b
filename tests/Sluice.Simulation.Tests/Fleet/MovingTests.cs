using Sluice.Core;

namespace Sluice.Simulation.Tests;

/// <summary>Requests that are moved while they run: migrated with their KV, or evicted and taken back.</summary>
public sealed class MovingTests
{
    [Fact]
    public void A_request_that_moves_computes_nothing_twice_and_pays_the_downtime_once()
    {
        var workload = A.Workload([(A.Request(0, promptTokens: 64, maxOutputTokens: 400), 400)]);
        var stays = Run(workload, moveEvery: null);
        var moves = Run(workload, moveEvery: TimeSpan.FromMilliseconds(150));

        Assert.True(moves.Events.Of(EventKind.Migrated).Length >= 2);
        Assert.Equal(64, moves.Result.PrefillTokens);
        Assert.Equal(400, moves.Result.Log.OutputTokens[0]);
        var delay = new TimeSpan(moves.Result.Log.Ended[0] - stays.Result.Log.Ended[0]);
        var downtime = new LoadTimes().MigrationDowntime * moves.Events.Of(EventKind.Migrated).Length;
        Assert.InRange(delay, downtime, downtime + TimeSpan.FromMilliseconds(5));
    }

    [Fact]
    public void Every_request_ends_once_and_leaves_nothing_behind_whatever_is_moved()
    {
        var moved = 0;
        for (var seed = 1UL; seed <= 300; seed++)
        {
            var traffic = Traffic.Random(seed);
            var system = A.System("vllm-v1") with { Policies = c => Shuffled(c, TimeSpan.FromMilliseconds(20), seed) };
            try
            {
                var run = new Watched(traffic.Workload, system, traffic.Options);
                Assert.True(run.IsDone, "goes on for ever");
                moved += run.Events.Of(EventKind.Migrated).Length + run.Events.Of(EventKind.Evicted).Length;
                for (var i = 0; i < run.Result.Log.Count; i++)
                    Assert.Equal(run.Result.Log.Arrival[i] < 0, run.Result.Log.Outcome[i] == Outcome.Unfinished);
                foreach (var core in run.Simulator.Engines.SelectMany(e => e.Cores)) Assert.Equal(core.TotalBlocks, core.FreeBlocks);
            }
            catch (Exception e)
            {
                Assert.Fail($"seed {seed}: {e}");
            }
        }

        Assert.True(moved > 1000, $"only {moved} moves");
    }

    [Fact]
    public void Two_engines_on_one_device_take_turns_and_two_devices_do_not()
    {
        var workload = A.Workload(
            [(A.Request(0, promptTokens: 8, maxOutputTokens: 100), 100), (A.Request(1, promptTokens: 8, maxOutputTokens: 100), 100)]);
        EngineSetup[] apart = [A.Profile(), A.Profile()];
        EngineSetup[] together = [new([A.Profile()], Device: 0), new([A.Profile()], Device: 0)];

        Assert.Equal(100, EndMilliseconds(apart), 1.0);
        Assert.Equal(200, EndMilliseconds(together), 2.0);

        double EndMilliseconds(EngineSetup[] engines) =>
            new Watched(workload, A.System("vllm-v1"), new SimulationOptions { Engines = engines }).Result.Log.Ended.Max() / 1e4;
    }

    [Fact]
    public void An_engine_that_waited_for_its_device_goes_on_when_the_engine_that_held_it_dies()
    {
        var workload = A.Workload([.. Enumerable.Range(0, 2).Select(i => (A.Request(i, promptTokens: 8), 100))]);
        var run = new Watched(workload, A.System("vllm-v1"), new SimulationOptions
        {
            Engines = [new([A.Profile()], Device: 0), new([A.Profile()], Device: 0)],
            OutstandingMax = 1, // The lost request waits for the other engine, so that nothing else wakes that one.
            Faults = [new(new Instant(500), FaultKind.LoseEngine, 1)], // The circle begins behind engine 0.
        });

        Assert.True(run.IsDone);
        Assert.Equal([Outcome.Finished, Outcome.Finished], run.Result.Log.Outcome);
    }

    private static Watched Run(Workload workload, TimeSpan? moveEvery)
    {
        var system = A.System("vllm-v1");
        if (moveEvery is { } every) system = system with { Policies = c => Shuffled(c, every, seed: 0) };
        return new Watched(workload, system, new SimulationOptions { Engines = [A.Profile(), A.Profile()] });
    }

    private static PolicySet Shuffled(PolicyContext context, TimeSpan every, ulong seed)
    {
        var plain = A.System("vllm-v1").Policies(context);
        return plain with { Scheduler = new Shuffler(plain.Scheduler, every, new Rng(seed)) };
    }

    /// <summary>Moves a running request on every tick: to the next engine, or, with a seed, to any or back into the
    /// queue.</summary>
    private sealed class Shuffler(IGlobalScheduler plain, TimeSpan every, Rng rng) : IGlobalScheduler
    {
        private const int TicksMax = 500;

        private readonly List<RequestId> _running = [];
        private readonly bool _isRandom = rng.Fork("is").NextUInt64() != new Rng(0).Fork("is").NextUInt64();
        private Rng _rng = rng;
        private int _ticks;

        public Instant PlanAt { get; private set; }

        public EngineId OnQueued(in QueuedRequest request, ClusterView view) => plain.OnQueued(in request, view);
        public void OnWithdrawn(Request request, ClusterView view) => plain.OnWithdrawn(request, view);
        public bool TryTake(EngineId engine, ClusterView view, out RequestId request) => plain.TryTake(engine, view, out request);
        public void OnFirstToken(Request request, EngineId engine, ClusterView view) => _running.Add(request.Id);

        public void OnOff(Request request, EngineId engine, EventKind how, int outputTokens, ClusterView view) =>
            _running.Remove(request.Id);

        public void Plan(ClusterView view, Operations operations)
        {
            PlanAt = ++_ticks < TicksMax ? view.Now + every : Instant.Never;
            if (_running.Count == 0) return;
            var request = _running[_rng.Next(_running.Count)];
            var engine = _isRandom ? _rng.Next(view.Engines.Length) : _ticks % view.Engines.Length;
            if (_isRandom && _rng.Next(3) == 0) operations.Evict(request);
            else operations.Migrate(request, new(engine));
        }
    }
}
