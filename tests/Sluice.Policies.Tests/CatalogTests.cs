using Sluice.Core;

namespace Sluice.Policies.Tests;

public sealed class CatalogTests
{
    private static string Complaint(string name, params string[] settings) =>
        Assert.Throws<InputException>(() => A.System(name, settings)).Message;

    [Fact]
    public void An_unknown_system_names_the_nearest()
    {
        Assert.Contains("did you mean 'vllm-v1'?", Complaint("vllm-v2"), StringComparison.Ordinal);
        Assert.Contains("Known: vllm-v1, ", Complaint("something else entirely"), StringComparison.Ordinal);
    }

    [Fact]
    public void An_unknown_setting_names_the_nearest()
    {
        var message = Complaint("vllm-v1", "chunk-token=5");

        Assert.Contains("--set chunk-token", message, StringComparison.Ordinal);
        Assert.Contains("did you mean 'chunk-tokens'?", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_setting_of_another_system_is_refused()
    {
        Assert.Contains("has no such setting", Complaint("orca", "watermark=0.1"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("router=two-choice", "did you mean 'two-choices'?")]
    [InlineData("length-sigma=0", "expected a number from 0.01 to 5")]
    [InlineData("length-sigma=a", "expected a number from 0.01 to 5")]
    [InlineData("length-sigma=NaN", "expected a number from 0.01 to 5")]
    [InlineData("queue-max=0", "expected a whole number from 1 to")]
    [InlineData("queue-max=1.5", "expected a whole number from 1 to")]
    [InlineData("kv=page", "did you mean 'paged'?")]
    public void A_value_out_of_its_range_says_what_is_right(string setting, string expected)
    {
        Assert.Contains(expected, Complaint("vllm-v1", setting), StringComparison.Ordinal);
    }

    [Fact]
    public void A_system_is_named_with_the_settings_that_differ()
    {
        Assert.Equal("vllm-v1", A.System("vllm-v1").Name);
        Assert.Equal("vllm-v1 (kv=prefix-cache, order=priority)", A.System("vllm-v1", "order=priority", "kv=prefix-cache").Name);
    }

    [Fact]
    public void Every_line_has_a_name_of_its_own_and_says_where_it_is_from()
    {
        Assert.Equal(Catalog.Entries.Count, Catalog.Entries.Select(e => e.Name).Distinct().Count());
        Assert.All(Catalog.Entries, e => Assert.False(string.IsNullOrWhiteSpace(e.Source)));
    }

    [Fact]
    public void Each_engine_gets_a_scheduler_of_its_own()
    {
        Assert.All(Systems.Names, name =>
        {
            var system = A.System(name);
            Assert.NotSame(system.Iteration(), system.Iteration());
        });
    }
}
