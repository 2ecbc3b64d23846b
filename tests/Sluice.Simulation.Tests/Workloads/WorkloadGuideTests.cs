using Sluice.Core;

namespace Sluice.Simulation.Tests;

public sealed class WorkloadGuideTests
{
    public static TheoryData<string> Names => new(WorkloadSource.Kinds);

    [Fact]
    public void Every_kind_has_its_page() =>
        Assert.Equal(WorkloadSource.Kinds, WorkloadGuide.Kinds.Select(kind => kind.Name));

    [Theory, MemberData(nameof(Names))]
    public void The_page_of_a_kind_lists_the_keys_that_its_reader_asks_for(string name)
    {
        var kind = Kind(name);
        var error = Assert.Throws<InputException>(() => WorkloadSource.FromSpec($"{kind.Example},zzzzzzzz=1", new Rng(1)));

        const string known = "known: ";
        var asked = error.Message[(error.Message.IndexOf(known, StringComparison.Ordinal) + known.Length)..].Split(", ");
        Assert.Equal(asked.Order(StringComparer.Ordinal), kind.Keys.Order(StringComparer.Ordinal));
    }

    [Theory, MemberData(nameof(Names))]
    public void The_example_of_a_kind_works_as_it_stands(string name)
    {
        if (Kind(name).Example.Contains("FOLDER", StringComparison.Ordinal)) return;

        Assert.NotEmpty(WorkloadSource.FromSpec(Kind(name).Example, new Rng(1)).Requests);
    }

    private static SpecKind Kind(string name) => WorkloadGuide.Kinds.Single(kind => kind.Name == name);
}
