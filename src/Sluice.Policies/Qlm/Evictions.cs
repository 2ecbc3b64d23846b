using Sluice.Core;

namespace Sluice.Policies;

/// <summary>Running requests give way to the group at the head of their engine's queue, if it would be late behind
/// them.</summary>
/// <remarks>
/// The rule, per engine: nothing while an earlier eviction is unconfirmed. If the head group has the loaded model, as many
/// requests leave as it has members that would be late (places and KV), youngest first; if it wants another model, everybody
/// leaves, or nobody. Only those leave that have more time than the group: by their own deadline, or, with their first token
/// out, by as much time again from now. They come back to the head of their group with their KV.
/// Source: QLM, request eviction. O(running) per engine that evicts.
/// </remarks>
internal sealed class Evictions(QlmState state, Rwt rwt)
{
    /// <returns>Evictions asked for.</returns>
    public int Run(ClusterView view, Operations operations)
    {
        var count = 0;
        for (var v = 0; v < view.Engines.Length; v++)
        {
            if (!view.Engines[v].IsReady || state.Loads[v].Leaving > 0 || state.Queues[v].Count == 0) continue;
            if (view.Engines[v].Outstanding == 0) continue;
            var head = state.Queues[v].Groups[0];
            count += state.Backlog.Group(head).Model == view.Engines[v].Model
                ? MakeRoom(v, head, view, operations)
                : MakeWay(v, head, view, operations);
        }

        return count;
    }

    /// <summary>How many of those on an engine would give way to somebody with this deadline; no more than asked for.</summary>
    public int WouldGiveWay(int engine, long deadline, int wanted, ClusterView view)
    {
        var count = 0;
        for (var entry = state.Loads[engine].Last; entry >= 0 && count < wanted; entry = state.Backlog[entry].Previous)
            if (HasMoreTime(in state.Backlog[entry], deadline, view)) count++;
        return count;
    }

    private int MakeRoom(int engine, int head, ClusterView view, Operations operations)
    {
        ref var g = ref state.Backlog.Group(head);
        if (state.Loads.HasRoom(engine, in state.Backlog[g.First], view)) return 0;
        var (places, tokens) = Wanted(engine, head, view);
        if (places <= 0) return 0;
        tokens = state.Loads.KvShort(engine, places, tokens, state.Backlog[g.First].RemainingTokens, view);

        ref readonly var snapshot = ref view.Engines[engine];
        places -= Math.Min(snapshot.FreeSlots, state.Speeds.SlotsMax(snapshot.Id, g.Model) - snapshot.Outstanding);
        var count = 0;
        for (var entry = state.Loads[engine].Last; entry >= 0 && (places > 0 || tokens > 0); entry = state.Backlog[entry].Previous)
        {
            ref var e = ref state.Backlog[entry];
            if (e.Group == head || !HasMoreTime(in e, head, view)) continue;
            places--;
            tokens -= state.Loads.HeldBy(entry, engine);
            Evict(entry, engine, operations);
            count++;
        }

        return count;
    }

    /// <summary>How many of the group's members would be late if nobody left, and the KV tokens that so many of them
    /// need.</summary>
    private (int Places, double KvTokens) Wanted(int engine, int head, ClusterView view)
    {
        ref var g = ref state.Backlog.Group(head);
        ref var first = ref state.Backlog[g.First];
        var wait = rwt.OfFirst(head, view);
        var slack = (state.Backlog.DeadlineOf(head) - rwt.Margin(in first) - view.Now.Ticks) / (double)TimeSpan.TicksPerSecond;
        var spare = slack - wait.Ttft(WaitEstimate.Z90);
        var perMember = state.ServiceOf(head, engine, view) / g.Waiting;
        var inTime = spare < 0 ? 0 : 1 + (int)Math.Min(spare / perMember, 1e6);
        var late = Math.Min(g.Waiting - inTime, state.Speeds.SlotsMax(new(engine), g.Model));
        var tokens = 0.0;
        var entry = g.First;
        for (var i = 0; i < late; i++, entry = state.Backlog[entry].Next) tokens += state.Backlog[entry].StartTokens;
        return (late, tokens);
    }

    private int MakeWay(int engine, int head, ClusterView view, Operations operations)
    {
        ref var g = ref state.Backlog.Group(head);
        var isDue = state.Options.Swapping && state.Loads[engine].ResidentUntil <= view.Now.Ticks && !state.IsPinned(engine, view);
        if (!isDue || !rwt.IsLate(head, view)) return 0;

        for (var entry = state.Loads[engine].First; entry >= 0; entry = state.Backlog[entry].Next)
            if (!HasMoreTime(in state.Backlog[entry], head, view)) return 0;

        var count = 0;
        for (var entry = state.Loads[engine].First; entry >= 0; entry = state.Backlog[entry].Next, count++)
            Evict(entry, engine, operations);
        return count;
    }

    private bool HasMoreTime(in Entry e, int head, ClusterView view) =>
        HasMoreTime(in e, state.Backlog.DeadlineOf(head), view);

    private bool HasMoreTime(in Entry e, long than, ClusterView view)
    {
        if (e.IsLeaving || (e.Request.Media is not null && !e.HasFirstToken)) return false; // It may not have reached the engine.
        var deadline = e.HasFirstToken
            ? QlmDeadline.Again(e.Request, view.Now, TimeSpan.Zero, state.Options.BestEffort).Ticks
            : e.Deadline;
        return deadline > than;
    }

    private void Evict(int entry, int engine, Operations operations)
    {
        ref var e = ref state.Backlog[entry];
        e.IsLeaving = true;
        state.Loads[engine].Leaving++;
        operations.Evict(e.Request.Id);
    }
}
