using Sluice.Core;

namespace Sluice.Policies;

/// <summary>A block of consecutive groups of one virtual queue.</summary>
internal readonly record struct Block(int Engine, int Position, int Length);

/// <summary>An assignment of groups to positions, with the cost of every prefix, so that a change is judged from where it
/// happens.</summary>
/// <remarks>Judging a move walks two queues from the changed position on; nothing else is looked at.</remarks>
internal sealed class PlanOrder
{
    private readonly List<int[]> _queues = [];
    private readonly List<QueueState[]> _states = []; // after each group; [0] is before all
    private int[] _counts = [];
    private double[] _costs = [];
    private PlanProblem _problem = new();
    private int[] _block = new int[16];

    /// <summary>Sum over all queues.</summary>
    public double Cost { get; private set; }

    public int CountOf(int engine) => _counts[engine];
    public ReadOnlySpan<int> QueueOf(int engine) => _queues[engine].AsSpan(0, _counts[engine]);

    /// <summary>Begins empty.</summary>
    public void Reset(PlanProblem problem)
    {
        _problem = problem;
        while (_queues.Count < problem.Engines)
        {
            _queues.Add(new int[16]);
            _states.Add(new QueueState[17]);
        }

        if (_counts.Length < problem.Engines) (_counts, _costs) = (new int[problem.Engines], new double[problem.Engines]);
        Array.Clear(_counts);
        Array.Clear(_costs);
        for (var v = 0; v < problem.Engines; v++) _states[v][0] = problem.Begin(v);
        Cost = 0;
    }

    public void CopyFrom(PlanOrder other, PlanProblem problem)
    {
        Reset(problem);
        for (var v = 0; v < problem.Engines; v++)
        {
            EnsureRoom(v, other._counts[v]);
            (_counts[v], _costs[v]) = (other._counts[v], other._costs[v]);
            other._queues[v].AsSpan(0, _counts[v]).CopyTo(_queues[v]);
            other._states[v].AsSpan(0, _counts[v] + 1).CopyTo(_states[v]);
        }

        Cost = other.Cost;
    }

    /// <summary>Cost added by putting one group there.</summary>
    public double CostOfInsert(int group, int engine, int position) =>
        Walk(engine, position, 0, new ReadOnlySpan<int>(in group), position) - CostOfQueue(engine);

    public void Insert(int group, int engine, int position)
    {
        EnsureRoom(engine, _counts[engine] + 1);
        var queue = _queues[engine];
        Array.Copy(queue, position, queue, position + 1, _counts[engine] - position);
        queue[position] = group;
        _counts[engine]++;
        Recompute(engine, position);
    }

    public void Remove(int engine, int position)
    {
        var queue = _queues[engine];
        _counts[engine]--;
        Array.Copy(queue, position + 1, queue, position, _counts[engine] - position);
        Recompute(engine, position);
    }

    /// <summary>Cost added by moving a block to stand before position <paramref name="to"/> of a queue, counted before
    /// anything moved; infinite if a group of it cannot stand there.</summary>
    public double CostOfMove(Block block, int engine, int to)
    {
        var moved = _queues[block.Engine].AsSpan(block.Position, block.Length);
        if (engine == block.Engine)
        {
            var from = Math.Min(block.Position, to);
            return WalkWithin(block, from, to) - CostOfQueue(engine);
        }

        foreach (var group in moved)
            if (!_problem.CanStand(group, engine)) return double.PositiveInfinity;

        return Walk(block.Engine, block.Position, block.Length, [], block.Position) - CostOfQueue(block.Engine)
            + Walk(engine, to, 0, moved, to) - CostOfQueue(engine);
    }

    public void Move(Block block, int engine, int to)
    {
        if (_block.Length < block.Length) _block = new int[block.Length * 2];
        var moved = _block.AsSpan(0, block.Length);
        var source = _queues[block.Engine];
        source.AsSpan(block.Position, block.Length).CopyTo(moved);
        var after = block.Position + block.Length;
        Array.Copy(source, after, source, block.Position, _counts[block.Engine] - after);
        _counts[block.Engine] -= block.Length;
        if (engine == block.Engine && to > block.Position) to -= block.Length;

        EnsureRoom(engine, _counts[engine] + block.Length);
        var target = _queues[engine];
        Array.Copy(target, to, target, to + block.Length, _counts[engine] - to);
        moved.CopyTo(target.AsSpan(to));
        _counts[engine] += block.Length;
        Recompute(engine, engine == block.Engine ? Math.Min(block.Position, to) : to);
        if (engine != block.Engine) Recompute(block.Engine, block.Position);
    }

    private double CostOfQueue(int engine) => _costs[engine];

    /// <summary>The queue's cost without <paramref name="skipped"/> groups from a position on, and with others in their
    /// place.</summary>
    private double Walk(int engine, int position, int skipped, ReadOnlySpan<int> inserted, int from)
    {
        var state = _states[engine][from];
        foreach (var group in inserted) _problem.Step(ref state, engine, group);
        var queue = _queues[engine];
        for (var i = position + skipped; i < _counts[engine]; i++) _problem.Step(ref state, engine, queue[i]);
        return state.Cost;
    }

    private double WalkWithin(Block block, int from, int to)
    {
        var (engine, end) = (block.Engine, block.Position + block.Length);
        var state = _states[engine][from];
        var queue = _queues[engine];
        var count = _counts[engine];
        for (var i = from; i <= count; i++)
        {
            if (i == to)
                for (var k = block.Position; k < end; k++) _problem.Step(ref state, engine, queue[k]);
            if (i >= count) break;
            if (i >= block.Position && i < end) continue;
            _problem.Step(ref state, engine, queue[i]);

            // From here on nothing differs: the same groups are behind, at the same time and model.
            var last = Math.Max(to, end) - 1;
            if (i < last || i + 1 >= count) continue;
            ref readonly var before = ref _states[engine][i + 1];
            if (state.Model == before.Model && Math.Abs(state.Time - before.Time) < 1e-9
                && state.Run == before.Run && state.IsFirst == before.IsFirst)
                return CostOfQueue(engine) + state.Cost - before.Cost;
        }

        return state.Cost;
    }

    private void Recompute(int engine, int from)
    {
        var states = _states[engine];
        var queue = _queues[engine];
        var state = states[from];
        for (var i = from; i < _counts[engine]; i++)
        {
            _problem.Step(ref state, engine, queue[i]);
            states[i + 1] = state;
        }

        Cost += state.Cost - _costs[engine];
        _costs[engine] = state.Cost;
    }

    private void EnsureRoom(int engine, int count)
    {
        if (count <= _queues[engine].Length) return;
        var length = Math.Max(count, _queues[engine].Length * 2);
        var (queue, states) = (_queues[engine], _states[engine]);
        Array.Resize(ref queue, length);
        Array.Resize(ref states, length + 1);
        (_queues[engine], _states[engine]) = (queue, states);
    }
}
