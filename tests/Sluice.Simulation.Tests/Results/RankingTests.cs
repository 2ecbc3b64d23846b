namespace Sluice.Simulation.Tests;

public sealed class RankingTests
{
    [Fact]
    public void Who_is_better_for_sure_stands_before_and_equal_systems_share_a_place()
    {
        // Kept of 10, by seed. The second is ahead of the first at one seed only.
        var ranking = Rank(("a", [5, 6, 5]), ("b", [5, 6, 7]), ("c", [9, 10, 9]), ("d", [5, 6, 5]));

        Assert.Equal(["c", "b", "a", "d"], ranking.Systems.Select(s => s.Label));
        Assert.Equal([1, 2, 2, 2], ranking.Systems.Select(s => s.Place));
        Assert.Equal(0, ranking.Systems[0].ToTheFirst.Mean);
        Assert.Equal(-0.2, ranking.Systems[2].ToTheFirst.Mean, 9);
        Assert.Equal(0, ranking.Systems[2].ToTheFirst.HalfWidth, 9); // The same difference at every seed.
    }

    [Fact]
    public void Of_one_seed_the_figures_decide()
    {
        var ranking = Rank(("a", [5]), ("b", [6]), ("c", [6]));

        Assert.Equal([("b", 1), ("c", 1), ("a", 3)], ranking.Systems.Select(s => (s.Label, s.Place)));
    }

    [Fact]
    public void Classes_and_the_fairness_between_them_are_told()
    {
        var ranking = Rank(("a", [5, 5]));

        Assert.Equal("classes", ranking.FairnessOver);
        Assert.Equal([("chat", 0.5), ("batch", 1)], ranking.Systems[0].Classes.Select(c => (c.Name, c.Attainment.Mean)));
        Assert.Equal(0.9, ranking.Systems[0].Fairness.Mean, 9); // (0.5 + 1)² / (2 · 1.25)
    }

    [Theory]
    [InlineData(72)]
    [InlineData(100)]
    [InlineData(160)]
    public void The_table_fits_its_terminal(int width)
    {
        using var writer = new StringWriter();
        RankingTable.Write(Rank(("a", [5, 6, 5]), ("a system of a long name (with settings)", [5, 6, 7])), writer, width);

        var lines = writer.ToString().Split('\n');
        Assert.All(lines, line => Assert.InRange(line.Length, 0, width));
        Assert.Contains("SLO met", lines[0], StringComparison.Ordinal);
        Assert.Contains("µs/step", lines[0], StringComparison.Ordinal);
        Assert.StartsWith("1=", lines[2], StringComparison.Ordinal);
        Assert.Contains("1.50", lines[2], StringComparison.Ordinal);
    }

    /// <summary>Ten chats per run, of which so many keep their promise, and ten of a batch, which all do.</summary>
    private static Ranking Rank(params (string System, int[] Kept)[] systems) =>
        Ranking.Of(
            [.. systems.Select(s => (IReadOnlyList<RunSummary>)[.. s.Kept.Select((kept, seed) => Run(s.System, kept, seed))])],
            [.. systems.Select(_ => 1.5)]);

    private static RunSummary Run(string system, int kept, int seed)
    {
        var run = new TinyRun
        {
            System = system, Classes = ["chat", "batch"], Settings = [new("system", system), new("seed", $"{seed}")],
        };
        for (var i = 0; i < 10; i++)
        {
            run.Finished(0, 50, i < kept ? 100 : 200, 300, output: 11, slo: TinyRun.Slo(ttft: 150));
            run.Finished(0, 50, 100, 300, output: 11, slo: TinyRun.Slo(ttft: 150), ofClass: 1);
        }

        return RunSummary.Of(run.Make());
    }
}
