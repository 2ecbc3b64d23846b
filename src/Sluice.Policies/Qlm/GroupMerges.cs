using Sluice.Core;

namespace Sluice.Policies;

/// <summary>Makes one group of two that stand next to each other and turned out close.</summary>
/// <remarks>
/// At a tick, before the search, along every virtual queue: a group takes over the members of the one behind it when both have
/// the same model, neither has started, their centres are nearer than half of the radius of grouping, and together they are no
/// more than one group may hold. Nobody's turn changes by it: the members stay in order, and nobody stood between the two. So
/// it costs the search's choices nothing but a cut that it would hardly use, and each group less makes it faster.
/// A group stays open if it was; the one taken over closes. O(groups + members moved), each moved once per merge.
/// Source: the QLM paper clusters anew; merging centroids closer than r/2 is the recipe of our reading of it.
/// </remarks>
internal sealed class GroupMerges(QlmState state)
{
    private const double Near = GroupIndex.Radius / 2;

    /// <returns>Groups fewer.</returns>
    public int Run(ClusterView view)
    {
        var count = 0;
        for (var v = 0; v < view.Engines.Length; v++)
            for (var at = 0; at + 1 < state.Queues[v].Count;)
            {
                var (group, next) = (state.Queues[v].Groups[at], state.Queues[v].Groups[at + 1]);
                if (AreClose(group, next, view))
                {
                    Merge(group, next);
                    count++;
                }
                else
                {
                    at++;
                }
            }

        return count;
    }

    private bool AreClose(int group, int next, ClusterView view)
    {
        ref var a = ref state.Backlog.Group(group);
        ref var b = ref state.Backlog.Group(next);
        if (a.Model != b.Model || a.IsStarted || b.IsStarted || a.Away + b.Away > 0) return false;
        if (a.Waiting + b.Waiting > state.GroupMax(a.Model, view)) return false;
        var (promise, prompt, output) = (a.LogPromise - b.LogPromise, a.LogPrompt - b.LogPrompt, a.LogOutput - b.LogOutput);
        return promise * promise + prompt * prompt + output * output < Near * Near;
    }

    private void Merge(int group, int next)
    {
        ref var a = ref state.Backlog.Group(group);
        ref var b = ref state.Backlog.Group(next);
        state.TakeOut(next);
        state.Index.Close(next);
        state.Uncount(group);
        state.Backlog.MoveAll(next, group);
        state.Recount(group);

        var share = b.Members / (double)(a.Members + b.Members);
        a.LogPromise += (b.LogPromise - a.LogPromise) * share;
        a.LogPrompt += (b.LogPrompt - a.LogPrompt) * share;
        a.LogOutput += (b.LogOutput - a.LogOutput) * share;
        (a.Members, a.Passed) = (a.Members + b.Members, Math.Max(a.Passed, b.Passed));
        (a.MadeAt, a.IsLate) = (Math.Min(a.MadeAt, b.MadeAt), a.IsLate && b.IsLate);
        state.Backlog.FreeGroup(next);
    }
}
