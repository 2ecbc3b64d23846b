using Sluice.Core;

namespace Sluice.Policies;

/// <summary>Finds a good order for a <see cref="PlanProblem"/> within a number of moves: the production solver.</summary>
/// <remarks>
/// The order of its work:
/// <list type="number">
/// <item>two beginnings, the last plan's order and groups by deadline, each put where it costs least at the end of a queue;
/// the cheaper one goes on;</item>
/// <item>descent, first improvement: every group, alone or as the run of one model it begins, to other places of its own
/// queue (adjacent swaps are among them) and of others, beside runs of its own model first;</item>
/// <item>large neighbourhoods until the moves are used up, or so many in a row were in vain: a few groups are taken out and put back
/// one by one where each costs least; kept if that is better.</item>
/// </list>
/// A move is one candidate whose cost is computed. The result depends on the problem and the number of moves alone: equal
/// costs keep what stands, the random stream is the search's own, and no clock is read. No allocation once warm.
/// </remarks>
internal sealed class PlanSearch(int movesMax)
{
    /// <summary>Less gain than this is rounding.</summary>
    private const double Gain = 1e-9;

    /// <summary>Queues, and places in a queue, up to which all are tried; beyond, a sample.</summary>
    private const int AllUpTo = 8;

    /// <summary>Repairs in vain after which the search ends early: so many, and so many per group besides.</summary>
    private const int VainMax = 200, VainPerGroup = 5;

    private readonly PlanOrder _other = new();
    private readonly PlanOrder _best = new();
    private int[] _byDeadline = [];
    private long[] _keys = [];
    private (int Engine, int Position)[] _where = [];
    private int[] _removed = new int[8];
    private PlanProblem _problem = new();
    private Rng _rng = new(1);

    /// <summary>Candidates looked at by the last search.</summary>
    public int Moves { get; private set; }

    /// <param name="warm">Groups in the order of the last plan, by engine; may leave out new ones.</param>
    public PlanOrder Solve(PlanProblem problem, ReadOnlySpan<(int Engine, int Group)> warm)
    {
        (_problem, _rng, Moves) = (problem, new Rng(0x51CE), 0);
        if (_where.Length < problem.Groups) _where = new (int, int)[problem.Groups * 2];
        var order = _best;
        SeedByDeadline(order);
        if (warm.Length > 0)
        {
            SeedFrom(warm, _other);
            if (_other.Cost <= order.Cost) order.CopyFrom(_other, problem);
        }

        Descend(order);
        Repair(order);
        return order;
    }

    /// <summary>Strict earliest deadline first: groups by deadline, each to the end of the queue where it begins its last
    /// request soonest.</summary>
    private void SeedByDeadline(PlanOrder order)
    {
        order.Reset(_problem);
        SortByDeadline();
        foreach (var group in _byDeadline.AsSpan(0, _problem.Groups)) Append(order, group);
    }

    private void SeedFrom(ReadOnlySpan<(int Engine, int Group)> warm, PlanOrder order)
    {
        order.Reset(_problem);
        Array.Fill(_where, (-1, -1), 0, _problem.Groups);
        foreach (var (engine, group) in warm)
        {
            if (!_problem.CanStand(group, engine)) continue;
            order.Insert(group, engine, order.CountOf(engine));
            _where[group] = (engine, 0);
        }

        foreach (var group in _byDeadline.AsSpan(0, _problem.Groups))
            if (_where[group].Engine < 0) Append(order, group);
    }

    private void Append(PlanOrder order, int group)
    {
        var (best, least) = (-1, double.PositiveInfinity);
        for (var v = 0; v < _problem.Engines; v++)
        {
            if (!_problem.CanStand(group, v)) continue;
            var cost = order.CostOfInsert(group, v, order.CountOf(v));
            if (cost < least) (best, least) = (v, cost);
        }

        Check.That(best >= 0); // Groups that no open engine can run are not part of the problem.
        order.Insert(group, best, order.CountOf(best));
    }

    private void Descend(PlanOrder order)
    {
        for (var improved = true; improved && Moves < movesMax;)
        {
            improved = false;
            for (var v = 0; v < _problem.Engines && Moves < movesMax; v++)
                for (var at = 0; at < order.CountOf(v) && Moves < movesMax; at++)
                    improved |= TryImprove(order, new(v, at, 1)) || (RunAt(order, v, at) is { Length: > 1 } run && TryImprove(order, run));
        }
    }

    /// <summary>The groups of one model that begin here, if the run begins here.</summary>
    private Block RunAt(PlanOrder order, int engine, int position)
    {
        var queue = order.QueueOf(engine);
        if (position >= queue.Length) return default;
        var model = _problem.Model[queue[position]];
        if (position > 0 && _problem.Model[queue[position - 1]] == model) return default;
        var end = position + 1;
        while (end < queue.Length && _problem.Model[queue[end]] == model) end++;
        return new(engine, position, end - position);
    }

    private bool TryImprove(PlanOrder order, Block block)
    {
        // 1. Its own queue.
        var count = order.CountOf(block.Engine);
        for (var to = 0; to <= count; to++)
        {
            if (to >= block.Position && to <= block.Position + block.Length) continue;
            var isNear = to >= block.Position - 2 && to <= block.Position + block.Length + 2;
            if (count > AllUpTo && !isNear && _rng.Next(count) >= AllUpTo) continue;
            if (TryMove(order, block, block.Engine, to)) return true;
        }

        // 2. Others.
        if (_problem.Home[order.QueueOf(block.Engine)[block.Position]] >= 0) return false;
        for (var v = 0; v < _problem.Engines; v++)
        {
            if (v == block.Engine || (_problem.Engines > AllUpTo && _rng.Next(_problem.Engines) >= AllUpTo)) continue;
            var there = order.CountOf(v);
            for (var to = 0; to <= there; to++)
            {
                if (there > AllUpTo && to != 0 && to != there && _rng.Next(there) >= AllUpTo / 2) continue;
                if (TryMove(order, block, v, to)) return true;
            }
        }

        return false;
    }

    private bool TryMove(PlanOrder order, Block block, int engine, int to)
    {
        if (Moves >= movesMax) return false;
        Moves++;
        if (order.CostOfMove(block, engine, to) >= -Gain) return false;
        order.Move(block, engine, to);
        return true;
    }

    private void Repair(PlanOrder order)
    {
        if (_problem.Groups < 2) return;
        for (var vain = 0; Moves < movesMax && vain < VainMax + VainPerGroup * _problem.Groups; vain++)
        {
            _other.CopyFrom(order, _problem);
            var count = Math.Min(2 + _rng.Next(4), _problem.Groups);
            for (var i = 0; i < count; i++) _removed[i] = TakeOut(_other);
            for (var i = 0; i < count; i++) PutBack(_other, _removed[i]);
            if (_other.Cost >= order.Cost - Gain) continue;
            order.CopyFrom(_other, _problem);
            vain = 0;
        }
    }

    /// <summary>Takes out a group of some queue: each queue alike, each place in it alike.</summary>
    private int TakeOut(PlanOrder order)
    {
        var v = _rng.Next(_problem.Engines);
        while (order.CountOf(v) == 0) v = v + 1 == _problem.Engines ? 0 : v + 1;
        var at = _rng.Next(order.CountOf(v));
        var group = order.QueueOf(v)[at];
        order.Remove(v, at);
        return group;
    }

    private void PutBack(PlanOrder order, int group)
    {
        var (best, position, least) = (-1, 0, double.PositiveInfinity);
        for (var v = 0; v < _problem.Engines; v++)
        {
            if (!_problem.CanStand(group, v)) continue;
            if (best >= 0 && _problem.Engines > AllUpTo && _rng.Next(_problem.Engines) >= AllUpTo) continue;
            for (var to = 0; to <= order.CountOf(v); to++)
            {
                Moves++;
                var cost = order.CostOfInsert(group, v, to);
                if (cost < least) (best, position, least) = (v, to, cost);
            }
        }

        order.Insert(group, best, position);
    }

    /// <summary>Groups are numbered in the order they were made, which breaks ties.</summary>
    private void SortByDeadline()
    {
        if (_byDeadline.Length < _problem.Groups) (_byDeadline, _keys) = (new int[_problem.Groups * 2], new long[_problem.Groups * 2]);
        for (var i = 0; i < _problem.Groups; i++) (_byDeadline[i], _keys[i]) = (i, _problem.Deadline[i]);
        KeySort.Sort(_keys.AsSpan(0, _problem.Groups), _byDeadline.AsSpan(0, _problem.Groups));
    }
}
