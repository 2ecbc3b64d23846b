using Sluice.Policies;

namespace Sluice.Core.Tests;

public sealed class DispatcherTests
{
    /// <summary>Does what it is told and writes it down.</summary>
    private sealed class ScriptedEngine(int id, List<string> commands) : IEngine
    {
        public EngineId Id { get; } = new(id);

        public bool CanRun(ModelId model) => true;

        public void Submit(Instant now, Request request, TokenEstimate predicted, int outputTokens) =>
            commands.Add($"submit {request.Id.Value} to {Id.Index} after {outputTokens}");

        public void Cancel(Instant now, RequestId request) => commands.Add($"cancel {request.Value} on {Id.Index}");
        public void Evict(Instant now, RequestId request) => commands.Add($"evict {request.Value} from {Id.Index}");
        public void DropEvicted(RequestId request) => commands.Add($"drop {request.Value} on {Id.Index}");
        public void Load(Instant now, ModelId model) => commands.Add($"load {model.Index} on {Id.Index}");

        public void Migrate(Instant now, RequestId request, EngineId to) =>
            commands.Add($"migrate {request.Value} from {Id.Index} to {to.Index}");
    }

    private sealed class Fixture
    {
        public Fixture(int engines = 1, int outstandingMax = 1, IRequestOrder? order = null, IAdmissionPolicy? admission = null)
        {
            Snapshots = [.. Enumerable.Range(0, engines).Select(i => new EngineSnapshot
            {
                Id = new(i), IsPresent = true, IsReady = true, OutstandingMax = outstandingMax, TotalBlocks = 1, BlockTokens = 1,
            })];
            Dispatcher = new Dispatcher(
                new PolicySet(admission ?? new AcceptAll(), new OracleLength(_ => 10), new RoutedQueue(new LeastOutstanding(), order)),
                [.. Enumerable.Range(0, engines).Select(i => new ScriptedEngine(i, Commands))], Snapshots, Events);
        }

        public Dispatcher Dispatcher { get; }
        public EngineSnapshot[] Snapshots { get; }
        public List<string> Commands { get; } = [];
        public EventLog Events { get; } = new();

        public void Arrive(params int[] ids)
        {
            foreach (var id in ids) Dispatcher.OnArrival(new(id), A.Request(id, arrivalTicks: id));
        }

        public void Tell(EventKind kind, int request, int engine = 0, int amount = 0)
        {
            var e = new SluiceEvent(new(1000), new(request), new(engine), amount, kind);
            Events.Emit(e);
            Dispatcher.OnEngineEvent(e);
        }
    }

    [Fact]
    public void An_engine_never_has_more_than_its_maximum_and_takes_the_next_when_one_ends()
    {
        var fixture = new Fixture(outstandingMax: 2);
        fixture.Arrive(0, 1, 2, 3);
        Assert.Equal(["submit 0 to 0 after 0", "submit 1 to 0 after 0"], fixture.Commands);
        Assert.Equal(2, fixture.Dispatcher.Queued);

        fixture.Tell(EventKind.Finished, 1, amount: 10);

        Assert.Equal("submit 2 to 0 after 0", fixture.Commands[^1]);
        Assert.Equal(2, fixture.Snapshots[0].Outstanding);
        Assert.Equal(40, fixture.Snapshots[0].OutstandingTokens);
        Assert.Equal(3, fixture.Dispatcher.Live);
    }

    [Fact]
    public void Requests_of_a_lost_engine_go_back_in_order_of_arrival_with_their_tokens()
    {
        var fixture = new Fixture(engines: 2, outstandingMax: 3);
        fixture.Arrive(0, 1, 2, 3, 4, 5, 6); // Evens on engine 0, odds on engine 1, 6 waits.

        fixture.Dispatcher.OnEngineLost(new(100), new(0), id => (int)id.Value * 10);
        Assert.Equal(4, fixture.Dispatcher.Queued);
        fixture.Commands.Clear();
        fixture.Tell(EventKind.Finished, 1, engine: 1);
        fixture.Tell(EventKind.Finished, 3, engine: 1);
        fixture.Dispatcher.OnEngineJoined(new(200), new(0), default);

        Assert.Equal(
            ["submit 0 to 1 after 0", "submit 2 to 1 after 20", "submit 4 to 0 after 40", "submit 6 to 0 after 0"], fixture.Commands);
        Assert.Equal([4, 0], [.. fixture.Events.Of(EventKind.EngineLost).Select(e => e.Amount + 1), fixture.Dispatcher.Queued]);
    }

    [Fact]
    public void A_queued_request_ends_at_once_when_its_caller_leaves()
    {
        var fixture = new Fixture();
        fixture.Arrive(0, 1, 2);

        fixture.Dispatcher.OnCancel(new(50), new(1));
        fixture.Tell(EventKind.Finished, 0);

        Assert.Equal([1], fixture.Events.Ids(EventKind.Cancelled));
        Assert.Equal(["submit 0 to 0 after 0", "submit 2 to 0 after 0"], fixture.Commands);
    }

    [Fact]
    public void A_dispatched_request_ends_when_its_engine_says_so()
    {
        var fixture = new Fixture();
        fixture.Arrive(0);

        fixture.Dispatcher.OnCancel(new(50), new(0));
        Assert.Equal("cancel 0 on 0", fixture.Commands[^1]);
        Assert.Equal(1, fixture.Dispatcher.Live);
        fixture.Tell(EventKind.Cancelled, 0);

        Assert.Equal(0, fixture.Dispatcher.Live);
        Assert.Equal(0, fixture.Snapshots[0].Outstanding);
    }

    [Fact]
    public void A_cancellation_outlives_the_engine_it_was_sent_to()
    {
        var fixture = new Fixture(engines: 2);
        fixture.Arrive(0);
        fixture.Dispatcher.OnCancel(new(50), new(0));

        fixture.Dispatcher.OnEngineLost(new(60), new(0), _ => 7);

        Assert.Equal(0, fixture.Dispatcher.Live);
        Assert.Equal(7, fixture.Events.Of(EventKind.Cancelled).Single().Amount);
        Assert.DoesNotContain("submit 0 to 1 after 7", fixture.Commands);
    }

    [Fact]
    public void A_cancellation_outlives_an_eviction_and_drops_what_was_kept()
    {
        var fixture = new Fixture();
        fixture.Arrive(0);
        fixture.Dispatcher.OnCancel(new(50), new(0));

        fixture.Tell(EventKind.Evicted, 0, amount: 3);

        Assert.Equal(0, fixture.Dispatcher.Live);
        Assert.Equal("drop 0 on 0", fixture.Commands[^1]);
    }

    [Fact]
    public void The_end_of_a_request_that_is_not_there_changes_nothing()
    {
        var fixture = new Fixture();
        fixture.Arrive(0);

        fixture.Tell(EventKind.Finished, 5);
        fixture.Dispatcher.OnCancel(new(50), new(6));

        Assert.Equal(1, fixture.Dispatcher.Live);
        Assert.Equal(1, fixture.Snapshots[0].Outstanding);
    }

    [Fact]
    public void The_queue_goes_by_its_order_and_ties_by_arrival()
    {
        var fixture = new Fixture(order: new RequestsByPriority());
        fixture.Arrive(0);
        int[] priorities = [0, 2, 1, 2, 1];
        for (var i = 1; i < priorities.Length; i++) fixture.Dispatcher.OnArrival(new(i), A.Request(i, arrivalTicks: i, priority: priorities[i]));

        foreach (var ended in new[] { 0, 2, 4, 1 }) fixture.Tell(EventKind.Finished, ended);

        Assert.Equal([0, 2, 4, 1, 3], fixture.Events.Ids(EventKind.Dispatched));
    }

    [Fact]
    public void First_come_first_served_goes_by_arrival_and_not_by_id()
    {
        var fixture = new Fixture();
        fixture.Arrive(0);
        fixture.Dispatcher.OnArrival(new(1), A.Request(9, arrivalTicks: 1));
        fixture.Dispatcher.OnArrival(new(2), A.Request(5, arrivalTicks: 2));

        fixture.Tell(EventKind.Finished, 0);

        Assert.Equal("submit 9 to 0 after 0", fixture.Commands[^1]);
    }

    [Fact]
    public void A_full_queue_refuses()
    {
        var fixture = new Fixture(admission: new QueueLimit(2));
        fixture.Arrive(0, 1, 2, 3, 4);

        Assert.Equal([3, 4], fixture.Events.Ids(EventKind.Rejected));
        Assert.Equal((int)RejectReason.QueueFull, fixture.Events.Of(EventKind.Rejected)[0].Amount);
        Assert.Equal(3, fixture.Dispatcher.Live);
    }

    [Fact]
    public void What_nobody_will_serve_fails()
    {
        var fixture = new Fixture();
        fixture.Arrive(0, 1);
        fixture.Dispatcher.OnEngineLost(new(60), new(0), _ => 0);

        fixture.Dispatcher.FailQueued(new(70));

        Assert.Equal([0, 1], fixture.Events.Ids(EventKind.Failed).Order());
        Assert.Equal(0, fixture.Dispatcher.Live);
        Assert.Equal(0, fixture.Dispatcher.Queued);
    }

    [Fact]
    public void A_request_waits_for_its_own_model_while_others_go_by()
    {
        var fixture = new Fixture();
        fixture.Dispatcher.OnArrival(default, A.Request(0, model: 1));
        fixture.Arrive(1);
        Assert.Equal(["submit 1 to 0 after 0"], fixture.Commands);

        fixture.Tell(EventKind.Finished, 1);
        fixture.Tell(EventKind.ModelLoaded, -1, amount: 1);

        Assert.Equal("submit 0 to 0 after 0", fixture.Commands[^1]);
    }

    [Fact]
    public void A_failed_load_leaves_the_engine_its_model_and_is_allowed_again_after_a_while()
    {
        var fixture = new Fixture();
        fixture.Snapshots[0].IsReady = false; // It was told to load model 1.

        fixture.Tell(EventKind.LoadFailed, -1, amount: 1);

        Assert.True(fixture.Snapshots[0] is { IsReady: true, IsPresent: true, Model.Index: 0 });
        Assert.False(fixture.Snapshots[0].CanLoad(new(1)));
        var retry = fixture.Dispatcher.PlanAt;
        Assert.Equal(new Instant(1000) + TimeSpan.FromSeconds(1), retry);
        fixture.Dispatcher.Plan(retry);
        Assert.True(fixture.Snapshots[0].CanLoad(new(1)));
        Assert.Equal(Instant.Never, fixture.Dispatcher.PlanAt);
    }

    [Fact]
    public void Waits_between_tries_double_up_to_a_minute_and_a_load_forgives_all()
    {
        var fixture = new Fixture();
        var waits = new List<double>();
        for (var i = 0; i < 8; i++)
        {
            fixture.Tell(EventKind.LoadFailed, -1, amount: 1);
            waits.Add((fixture.Dispatcher.PlanAt - new Instant(1000)).TotalSeconds);
        }

        fixture.Tell(EventKind.ModelLoaded, -1, amount: 1);

        Assert.Equal([1, 2, 4, 8, 16, 32, 60, 60], waits);
        Assert.True(fixture.Snapshots[0].CanLoad(new(1)));
        Assert.Equal(Instant.Never, fixture.Dispatcher.PlanAt);
    }

    [Fact]
    public void After_too_many_failures_those_who_wait_for_the_model_fail_and_newcomers_are_told_when_to_come_again()
    {
        var fixture = new Fixture();
        fixture.Dispatcher.OnArrival(default, A.Request(7, model: 1));

        for (var i = 0; i < 3; i++) fixture.Tell(EventKind.LoadFailed, -1, amount: 1);
        Assert.Equal(1, fixture.Dispatcher.Queued);
        fixture.Tell(EventKind.LoadFailed, -1, amount: 1);
        var late = fixture.Dispatcher.OnArrival(new(2000), A.Request(8, model: 1));

        var failed = Assert.Single(fixture.Events.Of(EventKind.Failed));
        Assert.Equal((7, (int)FailReason.ModelFailed), (failed.Request.Value, failed.Amount));
        Assert.Equal(0, fixture.Dispatcher.Queued);
        Assert.Equal(RejectReason.ModelFailed, late.Reason);
        Assert.Equal(new Instant(1000) + TimeSpan.FromSeconds(8) - new Instant(2000), late.RetryAfter);
    }
}
