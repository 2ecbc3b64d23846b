using System.Text.Json;

namespace Sluice.Cli.Tests;

public sealed class CompareCommandTests
{
    [Fact]
    public void One_thread_and_two_leave_the_same_fingerprints()
    {
        string[] args = ["compare", "--workload", Shell.Quick, "--systems", "all", "--fleets", "1,2", "--json", "--threads"];

        var one = Fingerprints(Shell.Succeed([.. args, "1"]));
        var two = Fingerprints(Shell.Succeed([.. args, "2"]));

        Assert.True(one.Length >= 16);
        Assert.Equal(one, two);
    }

    [Fact]
    public void Every_run_is_the_one_that_simulate_makes()
    {
        var compared = Fingerprints(Shell.Succeed("compare", "--workload", Shell.Quick, "--vary", "router=random,least-kv", "--fleets", "3", "--json"));
        var alone = Shell.Succeed("simulate", "--workload", Shell.Quick, "--set", "router=least-kv", "--engines", "3", "--json");

        Assert.Equal(alone.Fingerprint, compared[1]);
    }

    [Fact]
    public void Variations_combine()
    {
        var ran = Shell.Succeed(
            "compare", "--workload", Shell.Quick, "--systems", "vllm-v1,sjf", "--scales", "0.5,1", "--vary", "max-seqs=8,64", "--json");

        Assert.Equal(8, Fingerprints(ran).Length);
    }

    [Fact]
    public void Values_with_commas_stand_between_bars()
    {
        var ran = Shell.Succeed(
            "compare", "--workload", Shell.Quick, "--vary", "profile=1xllama-3.1-8b@a100,1xllama-3.1-8b@h100|2xllama-3.1-8b@h100", "--json");

        Assert.Equal([2, 2], Runs(ran).Select(r => r.GetProperty("engines").GetInt32()));
    }

    [Fact]
    public void The_table_has_a_row_for_each_run_in_the_order_given()
    {
        var ran = Shell.Succeed("compare", "--workload", Shell.Quick, "--systems", "sjf,vllm-v1");

        var lines = ran.Out.Split('\n');
        Assert.StartsWith("run", lines[0], StringComparison.Ordinal);
        Assert.StartsWith("sjf", lines[2], StringComparison.Ordinal);
        Assert.StartsWith("vllm-v1", lines[3], StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_is_named_by_what_sets_it_apart()
    {
        var ran = Shell.Succeed("compare", "--workload", Shell.Quick, "--engines", "2", "--vary", "router=random,least-kv");

        Assert.StartsWith("router=random ", ran.Out.Split('\n')[2], StringComparison.Ordinal);
        Assert.Contains("* best of the column", ran.Out, StringComparison.Ordinal);
    }

    private static JsonElement[] Runs(Ran ran) => [.. ran.Json.GetProperty("runs").EnumerateArray()];

    private static string[] Fingerprints(Ran ran) => [.. Runs(ran).Select(r => r.GetProperty("fingerprint").GetString()!)];
}
