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

    private static int Run(params string[] arguments) =>
        ReproduceCommand.Create().Parse(arguments).Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
}
