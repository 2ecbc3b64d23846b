using Sluice.Core;

namespace Sluice.Policies.Tests;

public sealed class PlanSearchTests
{
    [Fact]
    public void Search_is_within_5_percent_of_the_exact_optimum_on_200_small_problems()
    {
        for (var seed = 1UL; seed <= 200; seed++)
        {
            var rng = new Rng(seed);
            var problem = PlanProblems.Random(seed, 2 + rng.Next(6), 1 + rng.Next(3), 1 + rng.Next(3), load: 0.2 + rng.NextDouble());
            var exact = ExactOrder.CostOf(problem);
            var found = new PlanSearch(20_000).Solve(problem, []).Cost;

            Assert.True(found <= 1.05 * exact + 1e-9, $"seed {seed}: {found} against {exact}");
            Assert.True(found >= exact - 1e-6, $"seed {seed}: {found} is below the optimum {exact}");
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(1_000)]
    [InlineData(50_000)]
    public void Search_stops_at_its_number_of_moves(int movesMax)
    {
        var problem = PlanProblems.Random(seed: 3, groups: 120, engines: 9, models: 3);
        var search = new PlanSearch(movesMax);

        search.Solve(problem, []);

        Assert.InRange(search.Moves, 0, movesMax + 5 * 120 * 9); // One repair may be under way.
    }

    [Fact]
    public void More_moves_never_cost_more_and_every_group_stands_once()
    {
        var problem = PlanProblems.Random(seed: 5, groups: 60, engines: 5, models: 3);
        var least = double.PositiveInfinity;
        foreach (var moves in (int[])[0, 100, 2_000, 40_000])
        {
            var order = new PlanSearch(moves).Solve(problem, []);
            var groups = Enumerable.Range(0, problem.Engines).SelectMany(v => order.QueueOf(v).ToArray()).Order();

            Assert.Equal(Enumerable.Range(0, problem.Groups), groups);
            Assert.True(order.Cost <= least);
            least = order.Cost;
        }
    }

    [Fact]
    public void Incremental_costs_equal_costs_computed_anew()
    {
        var problem = PlanProblems.Random(seed: 7, groups: 40, engines: 4, models: 3);
        var order = new PlanSearch(30_000).Solve(problem, []);
        var again = new PlanOrder();
        again.Reset(problem);
        for (var v = 0; v < problem.Engines; v++)
            foreach (var group in order.QueueOf(v)) again.Insert(group, v, again.CountOf(v));

        Assert.Equal(again.Cost, order.Cost, tolerance: 1e-6 * again.Cost);
    }

    [Fact]
    public void A_plan_with_a_warm_start_is_no_worse_than_the_start()
    {
        var problem = PlanProblems.Random(seed: 9, groups: 50, engines: 4, models: 2);
        var first = new PlanSearch(50_000).Solve(problem, []);
        var cost = first.Cost;
        (int, int)[] warm = [.. Enumerable.Range(0, problem.Engines).SelectMany(v => first.QueueOf(v).ToArray().Select(g => (v, g)))];

        Assert.True(new PlanSearch(0).Solve(problem, warm).Cost <= cost + 1e-9 * cost);
    }

    [Fact]
    public void Searching_again_finds_the_same_and_allocates_nothing_once_warm()
    {
        var problem = PlanProblems.Random(seed: 11, groups: 80, engines: 6, models: 3);
        var search = new PlanSearch(5_000);
        var cost = search.Solve(problem, []).Cost;
        search.Solve(problem, []);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var again = search.Solve(problem, []).Cost;
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.Equal(cost, again);
        Assert.Equal(0, allocated);
    }
}
