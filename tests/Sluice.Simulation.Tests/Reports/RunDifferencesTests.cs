namespace Sluice.Simulation.Tests;

public sealed class RunDifferencesTests
{
    [Fact]
    public void Runs_are_named_by_what_differs_and_laid_out_over_the_number_that_does()
    {
        var differences = RunDifferences.Of([Run("a", "4"), Run("a", "8"), Run("b", "4"), Run("b", "8")]);

        Assert.Equal(["a, rate 4", "a, rate 8", "b, rate 4", "b, rate 8"], differences.Labels);
        Assert.Equal("rate", differences.Axis);
        Assert.Equal(["a", "a", "b", "b"], differences.Lines);
        Assert.Equal([4, 8, 4, 8], differences.AxisValues);
    }

    [Fact]
    public void Systems_alone_have_no_axis()
    {
        var differences = RunDifferences.Of([Run("a", "4"), Run("b", "4")]);

        Assert.Equal(["a", "b"], differences.Labels);
        Assert.Null(differences.Axis);
    }

    [Fact]
    public void Equal_runs_are_counted() =>
        Assert.Equal(["a", "a #2"], RunDifferences.Of([Run("a", "4"), Run("a", "4")]).Labels);

    private static RunSummary Run(string system, string rate) =>
        RunSummary.Of(new TinyRun { System = system, Settings = [new("system", system), new("rate", rate)] }
            .Finished(0, 1, 2, 3, output: 2).Make());
}
