namespace Sluice.Simulation.Tests;

public sealed class PlotPageTests
{
    [Fact]
    public void Claims_are_shown_beside_the_paper()
    {
        var page = new PlotPage("Reproducing");
        page.Section("Claims").Claims([new("it is faster", "2x", "1.9x", Agrees: true), new("it is fair", "yes", "no", Agrees: false)]);

        var html = RunJsonTests.Text(page.Write);

        Assert.Contains("<th>claim</th>", html.Replace("\n", "", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.Contains("✓ yes", html, StringComparison.Ordinal);
        Assert.Contains("✗ no", html, StringComparison.Ordinal);
    }

    [Fact]
    public void Points_that_do_not_exist_are_left_out()
    {
        var page = new PlotPage("p");
        page.Section("s").Plot(new()
        {
            Title = "t", X = new("x"), Y = new("y"), Series = [new("s", [(1, 2), (double.NaN, 3), (4, double.PositiveInfinity)])],
        });

        Assert.Contains("\"points\":[[1,2]]", RunJsonTests.Text(page.Write), StringComparison.Ordinal);
    }
}
