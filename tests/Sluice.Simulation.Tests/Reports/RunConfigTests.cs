using Sluice.Core;
using System.Text;

namespace Sluice.Simulation.Tests;

public sealed class RunConfigTests
{
    [Fact]
    public void What_is_written_reads_back_in_order_with_repeated_flags()
    {
        KeyValuePair<string, string>[] settings =
            [new("system", "a \"b\""), new("fault", "x@3"), new("fault", "y@4"), new("rate", "2.5")];
        using var stream = new MemoryStream(Encoding.UTF8.GetBytes(RunJsonTests.Text(s => RunConfig.Write(settings, s))));

        Assert.Equal(settings, RunConfig.Read(stream, "run.json"));
    }

    [Theory]
    [InlineData("[1]", "one JSON object")]
    [InlineData("{\"a\": {}}", "\"a\" must be")]
    [InlineData("{", "not JSON")]
    public void A_file_that_is_no_flat_map_is_refused_by_name(string text, string message)
    {
        var e = Assert.Throws<InputException>(
            () => RunConfig.Read(new MemoryStream(Encoding.UTF8.GetBytes(text)), "run.json"));

        Assert.Contains("run.json", e.Message, StringComparison.Ordinal);
        Assert.Contains(message, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_command_is_quoted_for_a_shell() =>
        Assert.Equal(
            "sluice simulate --rate 2.5 --trace 'it'\\''s; rm.csv' --name ''",
            RunConfig.Command("simulate", [new("rate", "2.5"), new("trace", "it's; rm.csv"), new("name", "")]));
}
