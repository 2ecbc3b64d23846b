using Sluice.Core;

namespace Sluice.Policies;

/// <summary>Turns the queues into a <see cref="PlanProblem"/>, has it solved, and turns the answer into queues.</summary>
/// <remarks>O(groups × engines) beside the search. Groups that started stay on their engine; only their place in its queue
/// may change.</remarks>
internal sealed class Replanner(QlmState state, Rwt rwt)
{
    private readonly PlanProblem _problem = new();
    private readonly PlanSearch _search = new(state.Options.SolverMoves);
    private readonly List<int> _kinds = []; // an engine of each
    private int[] _groups = new int[64]; // slots, by number
    private int[] _next = new int[64]; // slots, of the queue that is being written
    private long[] _keys = new long[64];
    private int[] _indexOf = [];
    private (int Engine, int Group)[] _warm = new (int, int)[64];
    private int _count;

    public long Moves { get; private set; }

    public void Run(ClusterView view)
    {
        Gather(view);
        if (_count == 0) return;
        if (!state.Options.Searches)
        {
            SortByDeadline(view);
            return;
        }

        Describe(view);
        var order = _search.Solve(_problem, _warm.AsSpan(0, _count));
        Moves += _search.Moves;
        for (var v = 0; v < view.Engines.Length; v++) state.Clear(v);
        for (var v = 0; v < view.Engines.Length; v++)
        {
            var queue = order.QueueOf(v);
            for (var i = 0; i < queue.Length; i++) _next[i] = _groups[queue[i]];
            Write(v, queue.Length, view);
        }
    }

    /// <summary>A group's key is the earliest deadline from it on: a newcomer stands behind everybody whose deadline is not
    /// later, and behind those whom the plan put before them.</summary>
    private void Write(int queue, int count, ClusterView view)
    {
        var key = long.MaxValue;
        for (var i = count - 1; i >= 0; i--) _keys[i] = key = Math.Min(key, state.Backlog.DeadlineOf(_next[i]));
        for (var i = 0; i < count; i++) state.Append(_next[i], queue, _keys[i]);
        state.FindFirstRun(queue, isPlanned: true, view);
    }

    /// <summary>Every group that stands in an engine's queue, by number; one that no engine can run any more leaves.</summary>
    private void Gather(ClusterView view)
    {
        _count = 0;
        for (var v = 0; v < view.Engines.Length; v++)
        {
            for (var i = 0; i < state.Queues[v].Count; i++)
            {
                var group = state.Queues[v].Groups[i];
                ref var g = ref state.Backlog.Group(group);
                if (g.Home >= 0 && !state.CanServe(g.Home, g.Model, view)) g.Home = -1;
                if (!state.CanServe(v, g.Model, view))
                {
                    state.TakeOut(group);
                    state.Place(group, view);
                    Gather(view); // Rare: begin again with the groups where they are now.
                    return;
                }

                if (_count == _groups.Length)
                {
                    Array.Resize(ref _groups, _count * 2);
                    Array.Resize(ref _warm, _count * 2);
                    Array.Resize(ref _keys, _count * 2);
                    Array.Resize(ref _next, _count * 2);
                }

                _groups[_count] = group;
                _warm[_count++] = (v, group);
            }
        }

        for (var i = 0; i < _count; i++) _keys[i] = state.Backlog.Group(_groups[i]).Number;
        KeySort.Sort(_keys.AsSpan(0, _count), _groups.AsSpan(0, _count));
        if (_indexOf.Length < state.Backlog.UsedGroups) _indexOf = new int[state.Backlog.UsedGroups * 2];
        for (var i = 0; i < _count; i++) _indexOf[_groups[i]] = i;
        for (var i = 0; i < _count; i++) _warm[i].Group = _indexOf[_warm[i].Group];
    }

    private void Describe(ClusterView view)
    {
        var models = 1;
        for (var i = 0; i < _count; i++) models = Math.Max(models, state.Backlog.Group(_groups[i]).Model.Index + 1);
        for (var v = 0; v < view.Engines.Length; v++) models = Math.Max(models, state.Loads.ModelOf(v, view).Index + 1);
        FindKinds(models, view);
        _problem.Resize(_count, view.Engines.Length, _kinds.Count, models);
        for (var v = 0; v < view.Engines.Length; v++) DescribeEngine(v, models, view);
        for (var i = 0; i < _count; i++) DescribeGroup(i, view);
    }

    private void FindKinds(int models, ClusterView view)
    {
        _kinds.Clear();
        if (_problem.Kind.Length < view.Engines.Length) _problem.Resize(0, view.Engines.Length, 1, models);
        for (var v = 0; v < view.Engines.Length; v++)
        {
            var kind = 0;
            while (kind < _kinds.Count && !AreAlike(v, _kinds[kind], models, view)) kind++;
            if (kind == _kinds.Count) _kinds.Add(v);
            _problem.Kind[v] = kind;
        }
    }

    private bool AreAlike(int a, int b, int models, ClusterView view)
    {
        for (var m = 0; m < models; m++)
        {
            var canServe = state.CanServe(a, new(m), view);
            if (canServe != state.CanServe(b, new(m), view)) return false;
            if (canServe && !state.Speeds.Of(new(a), new(m), view).IsAbout(state.Speeds.Of(new(b), new(m), view))) return false;
        }

        return true;
    }

    private void DescribeEngine(int v, int models, ClusterView view)
    {
        var (p, loaded) = (_problem, state.Loads.ModelOf(v, view));
        ref var account = ref state.Loads[v];
        p.IsOpen[v] = view.Engines[v].IsPresent;
        p.Loaded[v] = loaded.Index;
        p.Start[v] = state.Loads.LoadFor(v, loaded, view).ResidualSeconds;

        p.Running[v] = account.Loading >= 0 ? 0 : view.Engines[v].Outstanding;
        p.FirstDrain[v] = p.Start[v] + Math.Max(0, state.Loads.DrainSeconds(v, view) - p.Start[v]);
        p.Stay[v] = (state.StayUntil(v, view) - view.Now.Ticks) / (double)TimeSpan.TicksPerSecond;
        for (var m = 0; m < models; m++)
        {
            var at = v * models + m;
            if (!state.CanServe(v, new(m), view))
            {
                (p.Load[at], p.Tail[at], p.TailGrowth[at], p.Batch[at]) = (0, 0, 0, 1);
                continue;
            }

            var speed = state.Speeds.Of(new(v), new(m), view);
            var (mean, deviation) = state.Speeds.OutputTokensOf(new(m));
            p.Load[at] = state.Speeds.LoadSeconds(new(v), new(m), view);
            p.Batch[at] = speed.Batch;
            (p.Tail[at], p.TailGrowth[at]) = (mean * speed.LastSeconds, deviation * speed.LastSeconds);
        }
    }

    private void DescribeGroup(int i, ClusterView view)
    {
        var p = _problem;
        ref var g = ref state.Backlog.Group(_groups[i]);
        var deadline = state.Backlog.DeadlineOf(_groups[i]);
        var late = Math.Max(0, view.Now.Ticks - deadline) / (double)state.Options.Ageing.Ticks;
        p.Members[i] = g.Waiting;
        p.Weight[i] = g.Waiting * (1 + late);
        p.Slack[i] = (deadline - rwt.Margin(in state.Backlog[g.First]) - view.Now.Ticks) / (double)TimeSpan.TicksPerSecond;
        p.Model[i] = g.Model.Index;
        p.Home[i] = state.Options.Balancing ? g.Home : g.Queue;
        p.Deadline[i] = deadline;
        var spread = Math.Max(0, state.Backlog[g.Last].Deadline - deadline) / (double)TimeSpan.TicksPerSecond;
        for (var k = 0; k < _kinds.Count; k++)
        {
            var at = i * _kinds.Count + k;
            if (!state.CanServe(_kinds[k], g.Model, view))
            {
                (p.Service[at], p.Last[at]) = (double.PositiveInfinity, 0);
                continue;
            }

            var speed = state.Speeds.Of(new(_kinds[k]), g.Model, view);
            p.Service[at] = speed.Seconds(in g.Work);
            var last = Math.Max(0, 1 - speed.Batch / (double)g.Waiting) * p.Service[at];
            p.Last[at] = Math.Max(0, last - spread) + g.Work.PrefillTokens / g.Waiting * speed.PromptSeconds + speed.StepSeconds;
        }
    }

    /// <summary>Strict earliest deadline first inside each queue, whatever the loads cost; ties by slot.</summary>
    private void SortByDeadline(ClusterView view)
    {
        for (var v = 0; v < view.Engines.Length; v++)
        {
            var count = state.Queues[v].Count;
            if (count == 0) continue;
            state.Queues[v].Groups.CopyTo(_next);
            state.Clear(v);
            for (var i = 0; i < count; i++) _keys[i] = state.Backlog.DeadlineOf(_next[i]);
            KeySort.Sort(_keys.AsSpan(0, count), _next.AsSpan(0, count));
            Write(v, count, view);
        }
    }
}
