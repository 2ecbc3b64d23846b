namespace Sluice.Policies.Tests;

/// <summary>The cheapest order of a small problem, by trying all of them and cutting what cannot become cheaper: costs only
/// grow as groups are appended.</summary>
internal sealed class ExactOrder(PlanProblem problem)
{
    private double _best = double.PositiveInfinity;

    public static double CostOf(PlanProblem problem)
    {
        var search = new ExactOrder(problem);
        search.NextEngine(0, (1 << problem.Groups) - 1, 0);
        return search._best;
    }

    private void NextEngine(int engine, int left, double cost)
    {
        if (left == 0) _best = Math.Min(_best, cost);
        else if (engine < problem.Engines)
            Extend(engine, left, cost, problem.Begin(engine));
    }

    /// <summary>Ends this engine's queue here, or appends each of those left.</summary>
    private void Extend(int v, int left, double cost, QueueState state)
    {
        if (cost + state.Cost >= _best) return;
        NextEngine(v + 1, left, cost + state.Cost);
        for (var i = 0; i < problem.Groups; i++)
        {
            if ((left & (1 << i)) == 0 || !problem.CanStand(i, v)) continue;
            var next = state;
            problem.Step(ref next, v, i);
            Extend(v, left & ~(1 << i), cost, next);
        }
    }
}
