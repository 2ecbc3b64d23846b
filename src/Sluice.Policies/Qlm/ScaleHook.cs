using Sluice.Core;

namespace Sluice.Policies;

/// <summary>Asks for engines. One more of a model when its groups could not all be planned in time at any plan for a whole
/// interval; one less when, for as long, each of its groups had more than twice the time that its engine needs for
/// everything queued.</summary>
/// <remarks>Whoever owns the fleet decides: <see cref="IScaler"/>. At most one wish per model and interval. O(groups).</remarks>
internal sealed class ScaleHook(QlmState state)
{
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(60);

    private readonly List<Trend> _models = [];
    private int _more;

    /// <summary>More engines were wished for than fewer: it goes on looking when nothing waits.</summary>
    public bool IsUp => _more > 0;

    /// <summary>Since when it has been so; <see cref="Instant.Never"/> when it is not.</summary>
    private record struct Trend(Instant LateSince, Instant IdleSince, bool IsLate, bool IsIdle);

    public void Run(ClusterView view, Operations operations)
    {
        for (var m = 0; m < _models.Count; m++) _models[m] = _models[m] with { IsLate = false, IsIdle = true };
        for (var v = 0; v < state.Limbo; v++) Look(v, view);
        for (var m = 0; m < _models.Count; m++) Decide(m, view.Now, operations);
    }

    private void Look(int queue, ClusterView view)
    {
        var q = state.Queues[queue];
        foreach (var group in q.Groups)
        {
            ref var g = ref state.Backlog.Group(group);
            while (_models.Count <= g.Model.Index) _models.Add(new(Instant.Never, Instant.Never, false, true));
            var trend = _models[g.Model.Index];
            var drain = state.Speeds.Of(new(queue), g.Model, view).Seconds(q.Work);
            var slack = (state.Backlog.DeadlineOf(group) - view.Now.Ticks) / (double)TimeSpan.TicksPerSecond;
            _models[g.Model.Index] = trend with { IsLate = trend.IsLate || g.IsLate, IsIdle = trend.IsIdle && slack > 2 * drain };
        }
    }

    private void Decide(int model, Instant now, Operations operations)
    {
        var t = _models[model];
        t.LateSince = !t.IsLate ? Instant.Never : t.LateSince == Instant.Never ? now : t.LateSince;
        t.IdleSince = !t.IsIdle ? Instant.Never : t.IdleSince == Instant.Never ? now : t.IdleSince;
        if (t.LateSince != Instant.Never && now - t.LateSince >= s_interval)
        {
            operations.Scale(new(model), 1);
            _more++;
            t.LateSince = now;
        }
        else if (t.IdleSince != Instant.Never && now - t.IdleSince >= s_interval)
        {
            operations.Scale(new(model), -1);
            _more = Math.Max(0, _more - 1);
            t.IdleSince = now;
        }

        _models[model] = t;
    }
}
