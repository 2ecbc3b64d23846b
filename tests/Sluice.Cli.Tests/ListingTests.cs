using Sluice.Policies;
using Sluice.Simulation;

namespace Sluice.Cli.Tests;

public sealed class ListingTests
{
    [Theory]
    [InlineData("policies")]
    [InlineData("policies vllm-v1")]
    [InlineData("profiles")]
    [InlineData("profiles llama-3.1-8b@a100")]
    [InlineData("workloads")]
    [InlineData("workloads programs")]
    [InlineData("--help")]
    [InlineData("simulate --help")]
    [InlineData("compare --help")]
    [InlineData("compare --workload poisson:rate=20,n=200,prompt=128,output=32 --vary router=random,least-outstanding --scales 1,2")]
    public void No_line_is_wider_than_the_terminal(string line)
    {
        var ran = Shell.Succeed(line.Split(' '));

        Assert.All(ran.Out.Split('\n'), l => Assert.True(l.Length <= Shell.Width, l));
    }

    [Fact]
    public void Every_system_takes_one_line_of_100_columns()
    {
        var lines = Shell.Succeed("policies").Out.Split('\n');

        foreach (var (i, entry) in Catalog.Entries.Index())
            Assert.EndsWith(entry.Summary, lines[i + 2], StringComparison.Ordinal);
    }

    [Fact]
    public void How_long_a_request_can_be_passed_over_is_said_of_each_system_and_in_the_documents()
    {
        var documented = File.ReadAllLines(Path.Combine(DocumentedCommandTests.Root, "docs", "systems", "compared.md"));

        foreach (var entry in Catalog.Entries)
        {
            var said = string.Join(' ', Shell.Succeed("policies", entry.Name).Out.Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries));
            Assert.Contains($"waits: {entry.Waits.Says}", said, StringComparison.Ordinal);
            Assert.Contains(documented, line =>
                line.Contains($"`{entry.Name}`", StringComparison.Ordinal) && line.EndsWith($"| {entry.Waits.Says} |", StringComparison.Ordinal));
        }
    }

    [Fact]
    public void Every_profile_takes_one_line()
    {
        var lines = Shell.Succeed("profiles").Out.Split('\n');

        foreach (var (i, profile) in ProfileCatalog.Entries.Index())
            Assert.StartsWith(profile.Name + " ", lines[i + 2], StringComparison.Ordinal);
    }

    [Fact]
    public void A_bound_that_binds_nothing_reads_no_limit()
    {
        var text = Shell.Succeed("policies", "vllm-v1").Out;

        Assert.Contains("queue-max     no limit ", text, StringComparison.Ordinal);
        Assert.DoesNotContain("2147483647", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_kind_of_workload_format_and_table_is_listed()
    {
        var text = Shell.Succeed("workloads").Out;

        Assert.All(WorkloadSource.Kinds, kind => Assert.Contains($"\n  {kind} ", text, StringComparison.Ordinal));
        Assert.All(TraceFormats.All, format => Assert.Contains($"\n  {format.Name} ", text, StringComparison.Ordinal));
        Assert.All(WorkloadGuide.Tables, table => Assert.Contains($"\n    {table.Name} ", text, StringComparison.Ordinal));
    }

    [Fact]
    public void The_last_column_wraps_under_itself()
    {
        var listing = new Listing("key", "meaning");
        listing.Add("a", "words enough to fill more than one line of this");
        using var writer = new StringWriter();

        listing.Write(writer, 30);

        Assert.Equal(
            "key  meaning\n------------------------------\na    words enough to fill more\n     than one line of this\n",
            writer.ToString());
    }
}
