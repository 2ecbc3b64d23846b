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
            Extend(engine, left, cost, problem.Start[engine], problem.Loaded[engine], isFirst: true);
    }

    /// <summary>Ends this engine's queue here, or appends each of those left.</summary>
    private void Extend(int v, int left, double cost, double time, int model, bool isFirst)
    {
        if (cost >= _best) return;
        NextEngine(v + 1, left, cost);
        for (var i = 0; i < problem.Groups; i++)
        {
            if ((left & (1 << i)) == 0 || !problem.CanStand(i, v)) continue;
            var load = problem.Model[i] == model ? 0 : problem.Load[v * problem.Models + problem.Model[i]];
            var start = time + load + (isFirst && problem.Model[i] != model ? problem.FirstLoad[v] : 0);
            var at = i * problem.Kinds + problem.Kind[v];
            var late = Math.Max(0, start + problem.Last[at] - problem.Slack[i]);
            var added = problem.Weight[i] * late + PlanProblem.LoadWeight * load + PlanProblem.StartWeight * start;
            Extend(v, left & ~(1 << i), cost + added, start + problem.Service[at], problem.Model[i], isFirst: false);
        }
    }
}
