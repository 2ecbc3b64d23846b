using Sluice.Core;

namespace Sluice.Policies.Tests;

/// <summary>What an event costs, counted in bytes; and the grouping, event by event.</summary>
public sealed class QlmWorkTests
{
    private readonly EngineSnapshot[] _engines =
    [
        .. Enumerable.Range(0, 2).Select(i => new EngineSnapshot
        {
            Id = new(i), IsPresent = true, IsReady = true, OutstandingMax = 64,
        }),
    ];

    private readonly Qlm _qlm = new(new QlmOptions { SolverMoves = 0 }, null);
    private readonly Queue<(Request Request, EngineId Engine)> _running = new(256);
    private readonly Dictionary<RequestId, Request> _all = [];
    private long _now;
    private int _next;

    private ClusterView View => new(new(_now), _engines, 0);

    [Fact]
    public void Arrivals_and_pulls_allocate_nothing_once_warm()
    {
        Fill(5_000);
        var requests = Requests(2_000);
        for (var i = 0; i < 1_000; i++) ArriveAndPull(requests[i]);

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 1_000; i < 2_000; i++) ArriveAndPull(requests[i]);

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void Four_hundred_thousand_queued_requests_all_leave()
    {
        Fill(400_000);
        var served = 0;
        for (; _running.Count > 0; served++)
        {
            FinishOldest();
            Pull();
        }

        Assert.Equal(400_000, served);
    }

    [Fact]
    public void A_withdrawn_group_is_not_joined_again()
    {
        Fill(64 * 2); // Every place is taken.
        var requests = Requests(2);
        Arrive(requests[0]);
        _qlm.OnWithdrawn(requests[0], View);
        Arrive(requests[1]);

        FinishOldest();

        Assert.Equal(requests[1].Id, Pull()!.Id);
    }

    private void Fill(int count)
    {
        foreach (var request in Requests(count)) Arrive(request);
    }

    private Request[] Requests(int count) =>
    [
        .. Enumerable.Range(0, count).Select(_ =>
        {
            var request = QlmRun.Request(0, ttft: _next % 3 == 0 ? 20 : 3600, prompt: 50 + _next % 100) with { Id = new(_next++) };
            _all.Add(request.Id, request);
            return request;
        }),
    ];

    private void ArriveAndPull(Request request)
    {
        _now += 1000;
        Arrive(request);
        FinishOldest();
        Pull();
    }

    private void Arrive(Request request)
    {
        var queued = new QueuedRequest(request, new(100, 10_000), 0, EngineId.None);
        var engine = _qlm.OnQueued(in queued, View);
        if (engine == EngineId.None) return;
        _engines[engine.Index].Outstanding++;
        _running.Enqueue((request, engine));
    }

    private Request? Pull()
    {
        for (var v = 0; v < 2; v++)
        {
            if (_engines[v].FreeSlots <= 0 || !_qlm.TryTake(new(v), View, out var id)) continue;
            _engines[v].Outstanding++;
            _running.Enqueue((_all[id], new(v)));
            return _all[id];
        }

        return null;
    }

    private void FinishOldest()
    {
        var (request, engine) = _running.Dequeue();
        _engines[engine.Index].Outstanding--;
        _qlm.OnOff(request, engine, EventKind.Finished, 100, View);
    }
}
