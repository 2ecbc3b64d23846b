using Sluice.Core;

namespace Sluice.Policies;

/// <summary>Running requests give way to the group at the head of their engine's queue, if it would be late behind
/// them.</summary>
/// <remarks>
/// The rule, per engine: nothing while an earlier eviction is unconfirmed, and nothing for members that are late in any case;
/// with <see cref="QlmOptions.Rescue"/>, they are made room for by those that have four times their promise from now.
/// If the head group has the loaded model, as many requests leave as it has members that would be late behind them (places and
/// KV), youngest first; if it wants another model, everybody leaves, or nobody. Only those leave that have more time than the
/// group: by their own deadline, or, with their first token out, by as much time again from now. They come back to the head of
/// their group with their KV. Whoever turns out not to be able to leave is not asked again.
/// Source: QLM, request eviction. O(running + members of the head group) per engine.
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
        var (places, tokens, than) = Wanted(engine, head, view);
        if (places <= 0) return 0;
        tokens = state.Loads.KvShort(engine, places, tokens, state.Backlog[g.First].RemainingTokens, view);

        ref readonly var snapshot = ref view.Engines[engine];
        places -= Math.Min(snapshot.FreeSlots, state.Speeds.SlotsMax(snapshot.Id, g.Model) - snapshot.Outstanding);
        var count = 0;
        for (var entry = state.Loads[engine].Last; entry >= 0 && (places > 0 || tokens > 0); entry = state.Backlog[entry].Previous)
        {
            ref var e = ref state.Backlog[entry];
            if (e.Group == head || !HasMoreTime(in e, than, view)) continue;
            places--;
            tokens -= state.Loads.HeldBy(entry, engine);
            Evict(entry, engine, operations);
            count++;
        }

        return count;
    }

    /// <summary>How many of the group's first members must begin now so that all are in time that can be, the KV tokens that they
    /// need, and the deadline that those have to exceed who leave. Nobody, if more than half of them are late in any
    /// case.</summary>
    private (int Places, double KvTokens, long Than) Wanted(int engine, int head, ClusterView view)
    {
        ref var g = ref state.Backlog.Group(head);
        var wait = rwt.OfFirst(head, view);
        var perMember = state.ServiceOf(head, engine, view) / g.Waiting;
        var most = Math.Min(g.Waiting, state.Speeds.SlotsMax(new(engine), g.Model));
        var (places, saved, late, tokens, upTo) = (0, 0, 0, 0.0, 0.0);
        var entry = g.First;
        for (var i = 0; i < most; i++, entry = state.Backlog[entry].Next)
        {
            ref var e = ref state.Backlog[entry];
            upTo += e.StartTokens;
            var slack = (e.Deadline - view.Now.Ticks) / (double)TimeSpan.TicksPerSecond;
            var margin = rwt.Margin(in e) / (double)TimeSpan.TicksPerSecond;
            if (slack < wait.Prefill) late++;
            if (slack < wait.Prefill || slack - margin >= wait.Ttft(WaitEstimate.Z90) + i * perMember) continue;
            saved++;
            (places, tokens) = (i + 1, upTo);
        }

        if (places > 0 && 2 * saved >= places) return (places, tokens, state.Backlog.DeadlineOf(head));
        return state.Options.Rescue && late > 0 ? (late, upTo, FarFrom(in state.Backlog[g.First], view)) : (0, 0, 0);
    }

    private long FarFrom(in Entry e, ClusterView view)
    {
        var promised = QlmDeadline.Of(e.Request, TimeSpan.Zero, state.Options.BestEffort) - e.Request.Arrival;
        return (view.Now + 4 * promised).Ticks;
    }

    /// <summary>For another model: everybody leaves if that keeps more promises than the engine could serve requests in the
    /// time that it costs.</summary>
    private int MakeWay(int engine, int head, ClusterView view, Operations operations)
    {
        ref var g = ref state.Backlog.Group(head);
        var isDue = state.Options.Swapping && state.StayUntil(engine, view) <= view.Now.Ticks && !state.IsPinned(engine, view);
        if (!isDue || !rwt.IsLate(head, view)) return 0;

        var kvTokens = 0.0;
        for (var entry = state.Loads[engine].First; entry >= 0; entry = state.Backlog[entry].Next)
        {
            if (!HasMoreTime(in state.Backlog[entry], head, view)) return 0;
            kvTokens += state.Loads.HeldBy(entry, engine);
        }

        var copy = kvTokens * state.Speeds.HostSeconds(new(engine), view.Engines[engine].Model);
        var again = 2 * copy + state.Speeds.LoadSeconds(new(engine), view.Engines[engine].Model, view);
        var perMember = state.ServiceOf(head, engine, view) / g.Waiting;
        if (SavedByLeaving(engine, head, copy, perMember, view) * perMember <= again) return 0;

        var count = 0;
        for (var entry = state.Loads[engine].First; entry >= 0; entry = state.Backlog[entry].Next, count++)
            Evict(entry, engine, operations);
        return count;
    }

    /// <summary>Members that are in time if the engine is empty after a while, and late if it empties by itself.</summary>
    private int SavedByLeaving(int engine, int head, double copySeconds, double perMember, ClusterView view)
    {
        ref var g = ref state.Backlog.Group(head);
        var load = state.Speeds.LoadSeconds(new(engine), g.Model, view);
        var drain = state.Loads.DrainSeconds(engine, view);
        var (saved, i) = (0, 0);
        for (var entry = g.First; entry >= 0; entry = state.Backlog[entry].Next, i++)
        {
            var slack = (state.Backlog[entry].Deadline - view.Now.Ticks) / (double)TimeSpan.TicksPerSecond;
            var begins = load + i * perMember;
            if (copySeconds + begins <= slack && slack < drain + begins) saved++;
        }

        return saved;
    }

    private bool HasMoreTime(in Entry e, int head, ClusterView view) =>
        HasMoreTime(in e, state.Backlog.DeadlineOf(head), view);

    private bool HasMoreTime(in Entry e, long than, ClusterView view)
    {
        if (e.IsLeaving || e.Stays) return false;
        if (e.Request.Media is not null && !e.HasFirstToken) return false; // It may not have reached the engine.
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
