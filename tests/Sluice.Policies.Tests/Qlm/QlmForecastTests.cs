using Sluice.Core;

namespace Sluice.Policies.Tests;

/// <summary>What QLM tells callers of the wait before them: the gateway's <c>/v1/estimate</c>, its headers and its refusals are made of
/// it.</summary>
public sealed class QlmForecastTests
{
    private const int Places = 4;

    private readonly EngineSnapshot[] _engines =
    [
        new() { Id = new(0), IsPresent = true, IsReady = true, OutstandingMax = Places },
    ];

    private readonly Qlm _qlm = new(new QlmOptions { SolverMoves = 0 }, null);
    private int _next;

    private ClusterView View => new(default, _engines, 0);

    [Fact]
    public void Nobody_is_ahead_and_nothing_is_waited_for_while_there_is_room()
    {
        var forecast = Forecast(ttft: 2);

        Assert.Equal((0, 0.0, 0.0), (forecast.Ahead, forecast.Mean, forecast.Deviation));
        Assert.True(forecast.Prefill > 0 && forecast.Decode > 0);
        Assert.True(forecast.Keeps(Promise(2)));
    }

    [Fact]
    public void Whoever_comes_last_has_the_queue_before_it_and_waits_longer_the_longer_it_is()
    {
        Arrive(Places); // All places.
        Arrive(10);
        var behindTen = Forecast(ttft: 60);
        Arrive(30);
        var behindForty = Forecast(ttft: 60);

        Assert.Equal((10, 40), (behindTen.Ahead, behindForty.Ahead));
        Assert.True(behindForty.Mean > 2 * behindTen.Mean, $"{behindTen.Mean} s, then {behindForty.Mean} s");
        Assert.True(behindForty.P90 >= behindForty.Mean);
    }

    [Fact]
    public void A_tighter_promise_goes_ahead_of_those_with_more_time()
    {
        Arrive(Places);
        Arrive(40, ttft: 3600);

        Assert.Equal(0, Forecast(ttft: 1).Ahead);
        Assert.Equal(40, Forecast(ttft: 7200).Ahead);
    }

    [Fact]
    public void Each_of_a_queue_is_told_its_own_place()
    {
        Arrive(Places);
        var all = Arrive(20, ttft: 60);

        int[] ahead = [.. all.Select(id => _qlm.ForecastOf(id, View)).Select(f => f.Ahead)];

        Assert.NotEmpty(ahead);
        Assert.Equal(Enumerable.Range(0, ahead.Length), ahead);
    }

    [Fact]
    public void What_runs_has_no_wait_and_what_no_engine_serves_has_no_end_of_it()
    {
        var running = Arrive(1)[0];
        Assert.True(double.IsInfinity(_qlm.ForecastOf(running, View).Mean));

        foreach (ref var engine in _engines.AsSpan()) (engine.IsPresent, engine.IsReady) = (false, false);
        Assert.True(double.IsInfinity(Forecast(ttft: 2).Mean));
    }

    [Fact]
    public void Asking_changes_nothing()
    {
        Arrive(Places + 10);
        var before = Forecast(ttft: 5);
        for (var i = 0; i < 100; i++) Forecast(ttft: i + 1);

        Assert.Equal(before, Forecast(ttft: 5));
    }

    private static Slo Promise(double ttft) => Slo.BestEffort with { Ttft = TimeSpan.FromSeconds(ttft) };

    private WaitForecast Forecast(double ttft) =>
        _qlm.Forecast(QlmRun.Request(0, ttft) with { Id = new(1_000_000) }, new(100, 10_000), View);

    private List<RequestId> Arrive(int count, double ttft = 60)
    {
        var ids = new List<RequestId>();
        for (var i = 0; i < count; i++)
        {
            var request = QlmRun.Request(0, ttft) with { Id = new(_next++) };
            ids.Add(request.Id);
            var engine = _qlm.OnQueued(new(request, new(100, 10_000), 0, EngineId.None), View);
            if (engine != EngineId.None) _engines[engine.Index].Outstanding++;
        }

        return ids;
    }
}
