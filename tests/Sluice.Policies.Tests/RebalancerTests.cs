using Sluice.Core;
using Sluice.Testing;

namespace Sluice.Policies.Tests;

public sealed class RebalancerTests
{
    private static readonly TimeSpan s_every = TimeSpan.FromSeconds(1);

    [Fact]
    public void The_request_that_began_last_moves_from_the_fullest_engine_to_the_emptiest_and_only_once()
    {
        var fleet = new Fleet(6, 2, 1);
        fleet.Run(0, 1);

        Assert.Equal([(new RequestId(1), new EngineId(2))], fleet.Moves(1));
        Assert.Equal([(new RequestId(0), new EngineId(1))], fleet.Moves(2)); // Engine 2 has 2 as soon as that one comes.
        Assert.Empty(fleet.Moves(3)); // All were asked.
    }

    [Fact]
    public void One_that_is_on_its_way_counts_where_it_goes_and_once_it_is_there_the_engine_does()
    {
        var fleet = new Fleet(3, 0);
        fleet.Run(0, 1, 2);
        Assert.Single(fleet.Moves(1));
        Assert.Empty(fleet.Moves(2));

        fleet.Rebalancer.OnMoved(A.Request(2), new(1), new ClusterView(default, fleet.Engines, 0));
        (fleet.Engines[0].Outstanding, fleet.Engines[1].Outstanding) = (2, 1);
        Assert.Empty(fleet.Moves(3));
        fleet.Engines[1].Outstanding = 0;
        Assert.Single(fleet.Moves(4));
    }

    [Theory]
    [InlineData(2, 1)]
    [InlineData(3, 3)]
    public void Nothing_moves_where_it_evens_nothing_out(int most, int fewest)
    {
        var fleet = new Fleet(most, fewest);
        fleet.Run(0, 1);

        Assert.Empty(fleet.Moves(1));
    }

    [Fact]
    public void Only_a_ready_engine_of_the_same_model_with_room_is_moved_to()
    {
        var fleet = new Fleet(5, 0, 0, 3);
        fleet.Run(0);
        fleet.Engines[1].Model = new(1);
        fleet.Engines[2].IsReady = false;
        fleet.Engines[3].OutstandingMax = 3;

        Assert.Empty(fleet.Moves(1));
        fleet.Engines[3].OutstandingMax = 4;
        Assert.Equal([(new RequestId(0), new EngineId(3))], fleet.Moves(2));
    }

    [Fact]
    public void It_looks_once_in_an_interval_and_not_at_all_while_nothing_runs()
    {
        var fleet = new Fleet(4, 0);
        Assert.Equal(Instant.Never, fleet.Rebalancer.PlanAt);
        fleet.Run(0, 1);

        Assert.Equal(default(Instant) + s_every, fleet.Rebalancer.PlanAt);
        Assert.Empty(fleet.Moves(0.5));
        Assert.Single(fleet.Moves(1));
        Assert.Equal(default(Instant) + 2 * s_every, fleet.Rebalancer.PlanAt);
        fleet.End(0);
        fleet.End(1);
        Assert.Empty(fleet.Moves(2));
        Assert.Equal(Instant.Never, fleet.Rebalancer.PlanAt);
    }

    [Fact]
    public void For_the_inner_scheduler_a_request_ends_where_it_was_sent()
    {
        var fleet = new Fleet(4, 0);
        fleet.Run(0);
        Assert.Single(fleet.Moves(1));

        fleet.End(0, at: 1);

        Assert.Equal([new EngineId(0)], fleet.Inner.EndedAt);
    }

    [Fact]
    public void A_system_takes_the_setting_whatever_abilities_its_scheduler_has()
    {
        foreach (var system in (string[])["vllm-v1", "qlm"])
        {
            var policies = Catalog.Make(system, new PolicySettings(new Dictionary<string, string> { ["moves"] = "0.5", ["fair"] = "none" }))
                .Policies(new(null, new Rng(1), new FleetInfo([])));
            Assert.IsAssignableFrom<Rebalancer>(policies.Scheduler);
            Assert.Equal(system == "qlm", policies.Scheduler is IForecastsWaits and IReportsCalibration);
        }
    }

    /// <summary>Everything goes to engine 0.</summary>
    private sealed class Fleet
    {
        private readonly Operations _operations = new();

        public Fleet(params int[] outstanding)
        {
            Engines = [.. outstanding.Select((n, i) => new EngineSnapshot
            {
                Id = new(i), IsReady = true, IsPresent = true, Outstanding = n, OutstandingMax = 8,
            })];
            Rebalancer = Rebalancer.Around(Inner, s_every);
        }

        public EngineSnapshot[] Engines { get; }
        public ToTheFirst Inner { get; } = new();
        public Rebalancer Rebalancer { get; }

        public void Run(params ReadOnlySpan<int> requests)
        {
            foreach (var id in requests)
            {
                var request = A.Request(id);
                Rebalancer.OnQueued(new(request, new(10, 0), 0, EngineId.None), View(0));
                Rebalancer.OnFirstToken(request, new(0), View(0));
            }
        }

        public void End(int id, int at = 0) => Rebalancer.OnOff(A.Request(id), new(at), EventKind.Finished, 5, View(0));

        public (RequestId, EngineId)[] Moves(double seconds)
        {
            _operations.Clear();
            Rebalancer.Plan(View(seconds), _operations);
            return [.. _operations.All.ToArray().Select(o => (o.Request, o.Engine))];
        }

        private ClusterView View(double seconds) => new(Instant.FromSeconds(seconds), Engines, 0);
    }

    private sealed class ToTheFirst : IGlobalScheduler
    {
        public List<EngineId> EndedAt { get; } = [];

        public EngineId OnQueued(in QueuedRequest request, ClusterView view) => new(0);

        public void OnWithdrawn(Request request, ClusterView view) => throw new InvalidOperationException();

        public bool TryTake(EngineId engine, ClusterView view, out RequestId request)
        {
            request = default;
            return false;
        }

        public void OnOff(Request request, EngineId engine, EventKind how, int outputTokens, ClusterView view) => EndedAt.Add(engine);
    }
}
