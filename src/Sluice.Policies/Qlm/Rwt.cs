using Sluice.Core;

namespace Sluice.Policies;

/// <summary>Applies the waiting-time estimate to what waits, and says who would be late.</summary>
internal sealed class Rwt(QlmState state)
{
    /// <summary>Members of a group looked at for the wait of one of them.</summary>
    private const int MembersLooked = 4096;

    /// <summary>The wait of an entry that stands last in its group.</summary>
    /// <param name="isFull">It was just not taken.</param>
    public WaitEstimate OfLast(int entry, ClusterView view, bool isFull = false)
    {
        ref var e = ref state.Backlog[entry];
        ref var g = ref state.Backlog.Group(e.Group);
        return Of(in e, in g, g.Waiting - 1, g.Work - e.Work, view, isFull);
    }

    /// <summary>The same with those who will come later and stand in front of it: what its caller is told.</summary>
    public WaitEstimate Promised(int entry, ClusterView view)
    {
        ref var e = ref state.Backlog[entry];
        ref var g = ref state.Backlog.Group(e.Group);
        var wait = OfLast(entry, view, isFull: true);
        if (wait.Mean == 0 || !double.IsFinite(wait.Mean)) return wait;
        var deadline = state.Backlog.DeadlineOf(e.Group);
        var share = state.Speeds.ShareOf(new(g.Queue), g.Model, view);
        var ahead = wait.Mean + g.AheadJoining;
        var mean = state.Overtaking.Wait(
            g.Model, ahead, Seconds(deadline - state.Backlog[g.First].Request.Arrival.Ticks), Seconds(deadline - view.Now.Ticks), share,
            state.Speeds.Of(new(g.Queue), g.Model, view), view.Now.Ticks);
        return wait with { Mean = mean, Deviation = wait.Deviation * Math.Sqrt(mean / wait.Mean) };
    }

    /// <summary>The wait of an entry wherever it stands.</summary>
    /// <param name="ahead">Requests before it.</param>
    public WaitEstimate OfMember(int entry, ClusterView view, out int ahead)
    {
        ref var e = ref state.Backlog[entry];
        ref var g = ref state.Backlog.Group(e.Group);
        var (before, work) = (0, default(Work));
        for (var other = g.First; other >= 0 && other != entry && before < MembersLooked; other = state.Backlog[other].Next)
        {
            ref var o = ref state.Backlog[other];
            before++;
            work += o.Work;
        }

        ahead = g.AheadRequests + before;
        return Of(in e, in g, before, in work, view);
    }

    /// <summary>The wait of a group's first member.</summary>
    public WaitEstimate OfFirst(int group, ClusterView view)
    {
        ref var g = ref state.Backlog.Group(group);
        return Of(in state.Backlog[g.First], in g, 0, default, view);
    }

    /// <summary>Somebody in the group would begin after the deadline: its first member after the group's, or its last after
    /// its own. A look too late is counted in: the next one comes a tick later.</summary>
    public bool IsLate(int group, ClusterView view)
    {
        ref var g = ref state.Backlog.Group(group);
        if (g.Queue == state.Limbo) return false; // No plan can help it.
        var deadline = state.Backlog.DeadlineOf(group);
        ref var head = ref state.Backlog[g.First];
        var first = OfFirst(group, view);
        if (IsAfter(first.Ttft(WaitEstimate.Z90), deadline, in head, view)) return true;
        if (g.First == g.Last) return false;
        ref var tail = ref state.Backlog[g.Last];
        return IsAfter(OfLast(g.Last, view).Ttft(WaitEstimate.Z90), tail.Deadline, in tail, view);
    }

    /// <summary>Time kept in reserve because nobody looks again before the next tick [ticks].</summary>
    public long Margin(in Entry e) =>
        Math.Min(state.Options.Tick.Ticks, Math.Max(0, e.Deadline - e.QueuedAt) / 4);

    private static double Seconds(long ticks) => ticks / (double)TimeSpan.TicksPerSecond;

    private bool IsAfter(double seconds, long deadline, in Entry e, ClusterView view) =>
        view.Now.Ticks + (long)(Math.Min(seconds, 1e9) * TimeSpan.TicksPerSecond) > deadline - Margin(in e);

    /// <summary>Until an engine may begin to load another model: it has to be empty, and the loaded one stays for a
    /// while.</summary>
    public double UntilLoad(int engine, ClusterView view) => Math.Max(
        state.Loads.DrainSeconds(engine, view),
        Seconds(state.StayUntil(engine, view) - view.Now.Ticks));

    /// <param name="before">Those before it in its group, and their work.</param>
    private WaitEstimate Of(in Entry e, in Group g, int before, in Work work, ClusterView view, bool isFull = false)
    {
        if (g.Queue < 0 || g.Queue == state.Limbo) return new(double.PositiveInfinity, 0, 0, 0);
        var speed = state.Speeds.Of(new(g.Queue), g.Model, view);
        var elapsed = (view.Now.Ticks - g.AheadAt) / (double)TimeSpan.TicksPerSecond;
        var ahead = Math.Max(0, g.AheadSeconds - elapsed);
        var isOther = g.AheadLoads > 0 && state.Loads.ModelOf(g.Queue, view) != g.Model;
        var loads = g.AheadLoads + (isOther ? UntilLoad(g.Queue, view) : 0);
        var all = new WorkAhead(
            (g.AheadSeconds > 0 ? (int)(g.AheadRequests * ahead / g.AheadSeconds) : 0) + before,
            ahead + speed.Seconds(in work),
            (g.AheadSeconds > 0 ? g.AheadVariance * ahead / g.AheadSeconds : 0) + speed.Variance(in work),
            loads);
        var load = isOther ? new EngineLoad(int.MaxValue, 0, 0) : state.Loads.LoadFor(g.Queue, g.Model, view, isFull);
        if (isOther && ahead > 0) load = new(0, 0, 0);
        return WaitingTime.Estimate(
            in all, in load, e.PrefillTokens * speed.PromptSeconds + speed.StepSeconds + state.Loads.PromptSeconds(g.Queue, view),
            e.RemainingTokens * speed.StepSeconds);
    }
}
