using Sluice.Core;

namespace Sluice.Policies;

/// <summary>Gives engines whose virtual queue is empty something to do, between plans: load balancing without a
/// solver.</summary>
/// <remarks>A group that has not started moves whole; of one that has, the half that has not been touched may become a group
/// of its own, so that nothing that runs ever moves.</remarks>
internal sealed class IdleEngines(QlmState state)
{
    private const int QueuesLooked = 8;

    /// <summary>Where the last look ended, so that a bounded look reaches every queue in turn.</summary>
    private int _next;

    /// <summary>Takes over the first group that is due among those of the engine's model that head a few other queues and
    /// have not started. Ties go to the queue looked at first. O(1).</summary>
    public void TakeOver(int engine, ClusterView view)
    {
        var model = view.Engines[engine].Model;
        if (state.WaitingOf(model) == 0) return;
        var best = -1;
        var earliest = long.MaxValue;
        var count = state.Queues.Length;
        for (var i = 0; i < Math.Min(QueuesLooked, count); i++)
        {
            _next = _next + 1 >= count ? 0 : _next + 1;
            foreach (var group in state.Queues[_next].Groups[..Math.Min(4, state.Queues[_next].Count)])
            {
                ref var g = ref state.Backlog.Group(group);
                if (g.Model != model || state.Backlog.DeadlineOf(group) >= earliest || state.IsAtHome(group, view)) continue;
                (best, earliest) = (group, state.Backlog.DeadlineOf(group));
            }
        }

        if (best < 0)
        {
            if (state.WaitingOf(model) > 1) state.Want(view.Now + TimeSpan.FromSeconds(1)); // A plan may split a group.
            return;
        }

        state.TakeOut(best);
        state.Insert(best, engine, view);
    }

    /// <summary>At a plan: an engine with nothing queued and free places takes half of the waiting members of the longest
    /// group of its model. Only groups with more than a few waiting are worth it.</summary>
    public void Split(ClusterView view)
    {
        for (var v = 0; v < view.Engines.Length; v++)
        {
            ref readonly var snapshot = ref view.Engines[v];
            if (!snapshot.IsReady || state.Queues[v].Count > 0 || state.WaitingOf(snapshot.Model) < 2) continue;
            if (snapshot.FreeSlots <= 0 || snapshot.Outstanding >= state.Speeds.Of(snapshot.Id, snapshot.Model, view).Batch) continue;
            var longest = Longest(snapshot.Model);
            if (longest >= 0) SplitTo(longest, v, view);
        }
    }

    /// <summary>At a plan: an engine with nothing at all to do takes over what would wait longest elsewhere, if it can begin
    /// sooner here, loading the model if need be: the last group of a queue, or half of a queue's only one. Nothing waits
    /// for an engine that is slow, or has many, while another does nothing.</summary>
    public void TakeOverOtherModels(ClusterView view)
    {
        for (var v = 0; v < view.Engines.Length; v++)
        {
            if (!view.Engines[v].IsReady || view.Engines[v].Outstanding > 0 || state.Queues[v].Count > 0) continue;
            var (best, most, isWhole) = (-1, 1.0, true); // A second's gain is worth moving for.
            for (var u = 0; u < state.Queues.Length; u++)
            {
                if (u == v || state.Queues[u].Count == 0) continue;
                var group = state.Queues[u].Groups[^1];
                ref var g = ref state.Backlog.Group(group);
                if (!state.CanServe(v, g.Model, view)) continue;
                var load = g.Model == view.Engines[v].Model ? 0 : state.LoadFrom(v, g.Model, view);
                var (begins, canMove) = (double.PositiveInfinity, g.Home < 0 && (u == state.Limbo || g.AheadRequests > 0));
                if (u != state.Limbo) begins = state.BeginOf(group, view) + (canMove ? 0 : state.ServiceOf(group, u, view) / 2);
                if (!canMove && (g.Waiting < 2 || state.Backlog[g.Last].IsReturned)) continue;
                if (begins - load > most) (best, most, isWhole) = (group, begins - load, canMove);
            }

            if (best < 0) continue;
            if (!isWhole)
            {
                SplitTo(best, v, view);
                continue;
            }

            state.TakeOut(best);
            state.Insert(best, v, view);
        }
    }

    private int Longest(ModelId model)
    {
        var (best, most) = (-1, 1);
        foreach (var queue in state.Queues)
            foreach (var group in queue.Groups)
            {
                ref var g = ref state.Backlog.Group(group);
                if (g.Model == model && g.Waiting > most && !state.Backlog[g.Last].IsReturned) (best, most) = (group, g.Waiting);
            }

        return best;
    }

    private void SplitTo(int from, int engine, ClusterView view)
    {
        ref var source = ref state.Backlog.Group(from);
        var to = state.Backlog.AddGroup(source.Model, view.Now.Ticks);
        source = ref state.Backlog.Group(from); // Adding may have moved it.
        ref var target = ref state.Backlog.Group(to);
        (target.LogPromise, target.LogPrompt, target.LogOutput) = (source.LogPromise, source.LogPrompt, source.LogOutput);
        target.IsStarted = true; // It takes no newcomers.
        state.Uncount(from);
        state.Backlog.SplitTail(from, to, source.Waiting / 2);
        state.Recount(from);
        if (target.Waiting == 0) state.Backlog.FreeGroup(to);
        else state.Insert(to, engine, view);
    }
}
