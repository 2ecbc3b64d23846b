using Sluice.Core;

namespace Sluice.Policies;

/// <summary>Says how long somebody would wait who is not here yet, and somebody who is.</summary>
/// <remarks>A newcomer is put where <see cref="QlmState.Place"/> would put it, without putting it there. If it would be late
/// there, running requests that would give way to it count as free places: that is what the next plan does. O(engines +
/// running), bounded walks, no allocation.</remarks>
internal sealed class Forecasts(QlmState state, Rwt rwt, Evictions evictions)
{
    /// <summary>Groups looked at one by one; more are taken in proportion.</summary>
    private const int WalkMax = 64;

    /// <param name="service">Predicted time from its start to its end, as for its deadline.</param>
    public WaitForecast Newcomer(Request request, TokenEstimate predicted, TimeSpan service, ClusterView view)
    {
        var deadline = QlmDeadline.Of(request, service, state.Options.BestEffort).Ticks;
        var best = WaitForecast.None;
        for (var v = 0; v < view.Engines.Length; v++)
        {
            if (!state.CanServe(v, request.Model, view)) continue;
            var wait = OnEngine(v, deadline, request, predicted, view);
            if (wait.Mean < best.Mean) best = wait;
        }

        return best;
    }

    public WaitForecast Queued(int entry, ClusterView view)
    {
        ref var e = ref state.Backlog[entry];
        var queue = state.Backlog.Group(e.Group).Queue;
        if (queue < 0 || queue == state.Limbo || e.Engine != EngineId.None) return WaitForecast.None;
        var wait = rwt.OfMember(entry, view, out var ahead);
        return new(wait.Mean, wait.Deviation, wait.Prefill, wait.Decode, ahead, new(queue));
    }

    private WaitForecast OnEngine(int engine, long deadline, Request request, TokenEstimate predicted, ClusterView view)
    {
        var speed = state.Speeds.Of(new(engine), request.Model, view);
        var prefill = request.PromptTokens * speed.PromptSeconds + speed.StepSeconds + state.Loads.PromptSeconds(engine, view);
        var decode = Math.Max(1, predicted.Mean) * speed.StepSeconds;
        var ahead = Ahead(engine, deadline, in speed);
        var load = state.Loads.LoadFor(engine, request.Model, view);
        var isLoaded = state.Loads.ModelOf(engine, view) == request.Model;
        var loads = isLoaded ? 0 : state.Speeds.LoadSeconds(new(engine), request.Model, view) + rwt.UntilLoad(engine, view);
        ahead = ahead with { LoadSeconds = loads };
        var wait = WaitingTime.Estimate(in ahead, in load, prefill, decode);
        if (isLoaded && state.Options.Eviction && state.Loads[engine].Loading < 0 && IsLate(in wait, deadline, view))
        {
            load = load with { FreeSlots = load.FreeSlots + evictions.WouldGiveWay(engine, deadline, ahead.Requests + 1, view) };
            wait = WaitingTime.Estimate(in ahead, in load, prefill, decode);
        }

        return new(wait.Mean, wait.Deviation, prefill, decode, ahead.Requests, new(engine));
    }

    /// <summary>As <see cref="Rwt.IsLate"/> would say at once after its arrival.</summary>
    private bool IsLate(in WaitEstimate wait, long deadline, ClusterView view)
    {
        var slack = (deadline - view.Now.Ticks) / (double)TimeSpan.TicksPerSecond;
        return wait.Ttft(WaitEstimate.Z90) > slack - Math.Min(state.Options.Tick.TotalSeconds, Math.Max(0, slack) / 4);
    }

    private WorkAhead Ahead(int engine, long deadline, in Throughput speed)
    {
        var queue = state.Queues[engine];
        var at = queue.PlaceOf(deadline);
        var (work, requests) = (default(Work), 0);
        foreach (var group in queue.Groups[..Math.Min(at, WalkMax)])
        {
            ref var g = ref state.Backlog.Group(group);
            work += g.Work;
            requests += g.Waiting;
        }

        if (at > WalkMax)
        {
            var share = at / (double)queue.Count;
            (work, requests) = (queue.Work * share, (int)(queue.Requests * share));
        }

        return new(requests, speed.Seconds(in work), speed.Variance(in work), 0);
    }
}
