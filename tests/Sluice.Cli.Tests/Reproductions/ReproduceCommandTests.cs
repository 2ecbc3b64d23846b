using System.CommandLine;
using Sluice.Core;

namespace Sluice.Cli.Tests;

public sealed class ReproduceCommandTests
{
    [Fact]
    public void An_unknown_name_is_refused_with_the_nearest_one()
    {
        var error = Assert.Throws<InputException>(() => Run("pagedatention"));

        Assert.Contains("did you mean 'pagedattention'?", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_name_like_no_other_is_refused_with_the_list()
    {
        var error = Assert.Throws<InputException>(() => Run("nothing-of-the-kind"));

        Assert.Contains("Known: qlm, pagedattention", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Names_are_unique_and_found()
    {
        string[] names = [.. ReproductionCatalog.All.Select(r => r.Name)];

        Assert.Equal(names.Distinct(), names);
        Assert.All(names, name => Assert.Equal(name, ReproductionCatalog.Named(name).Name));
    }

    [Fact]
    public void All_systems_make_one_object()
    {
        using var stream = new MemoryStream();
        var rows = new ReproductionRow[] { new("claim", PaperFigure.Checked("2×"), "2.1×", true, "note") };
        RowJson.WriteAll(ReproductionCatalog.All.Select(r => (r, new ReproductionResult(rows, []))), stream);

        using var json = System.Text.Json.JsonDocument.Parse(stream.ToArray());
        var systems = json.RootElement.GetProperty("systems");
        Assert.Equal(ReproductionCatalog.All.Select(r => r.Name), systems.EnumerateArray().Select(s => s.GetProperty("system").GetString()));
        Assert.All(systems.EnumerateArray(), s => Assert.Equal("2.1×", s.GetProperty("rows")[0].GetProperty("ours").GetString()));
    }

    [Fact]
    public void A_rate_that_changes_in_steps_keeps_its_mean_and_its_shares()
    {
        var load = new PoissonLoad("steps", "prompt=10,output=1", 50_000, 1, (p, o) => (p, o));
        var workload = load.At([2, 6], TimeSpan.FromSeconds(100), TimeSpan.FromSeconds(4000));

        var high = workload.Requests.Count(r => r.Arrival.Seconds % 200 >= 100) / (double)workload.Requests.Length;
        Assert.InRange(high, 0.73, 0.77);
        Assert.InRange(workload.Requests.Length, 15_500, 16_500);
        Assert.Equal(workload.Requests.OrderBy(r => r.Arrival.Ticks).Select(r => r.Id), workload.Requests.Select(r => r.Id));
    }

    private static int Run(params string[] arguments) =>
        ReproduceCommand.Create().Parse(arguments).Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
}
