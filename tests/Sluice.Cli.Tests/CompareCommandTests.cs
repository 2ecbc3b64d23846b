using System.Text.Json;
using Sluice.Testing;

namespace Sluice.Cli.Tests;

public sealed class CompareCommandTests
{
    [Fact]
    public void One_thread_and_two_leave_the_same_fingerprints()
    {
        string[] args = ["compare", "--workload", Shell.Quick, "--systems", "all", "--seeds", "1", "--fleets", "1,2", "--json", "--threads"];

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

    [Fact]
    public void A_ranking_is_the_same_bytes_for_the_same_seeds_and_decisions_stand_apart()
    {
        string[] args =
        [
            "compare", "--workload", "poisson:rate=60,n=150,prompt=300,output=60", "--systems", "vllm-v1,sjf,qlm", "--seeds", "3",
            "--slo", "chat:0.6,ttft=200ms;agent:0.3,e2e=3s;batch:0.1,e2e=1m", "--json", "--threads",
        ];

        var one = Shell.Succeed([.. args, "1"]).Json;
        var two = Shell.Succeed([.. args, "2"]).Json;

        Assert.Equal(one.GetProperty("ranking").GetRawText(), two.GetProperty("ranking").GetRawText());
        Assert.DoesNotContain("_us_", one.GetProperty("ranking").GetRawText(), StringComparison.Ordinal);
        Assert.All(one.GetProperty("measured_here").EnumerateArray(), m => Assert.True(m.GetProperty("decision_us_per_step").GetDouble() > 0));
        Assert.Equal(["42", "43", "44"], one.GetProperty("seeds").EnumerateArray().Select(s => s.GetString()));
        Assert.Equal(9, one.GetProperty("runs").GetArrayLength());
        Assert.Equal(
            ["chat", "agent", "batch"],
            one.GetProperty("ranking")[0].GetProperty("classes").EnumerateArray().Select(c => c.GetProperty("name").GetString()));
    }

    [Fact]
    public void A_window_of_a_recorded_workload_is_another_at_each_seed_and_the_same_for_all_systems()
    {
        string[] args = ["compare", "--workload", "sample", "--take", "400", "--systems", "vllm-v1,sjf", "--seeds", "3", "--json"];

        var whole = Shell.Succeed(args).Json;
        var windows = Shell.Succeed([.. args, "--window", "0.3"]).Json;

        Assert.Equal([400, 400, 400, 400, 400, 400], Requests(whole));
        var drawn = Requests(windows);
        Assert.Equal(drawn.Where((_, i) => i % 2 == 0), drawn.Where((_, i) => i % 2 == 1)); // Seed by seed, both systems.
        Assert.Equal(3, drawn.Distinct().Count());
        Assert.All(drawn, n => Assert.InRange(n, 60, 200));
        Assert.Contains("nothing of the recorded arrivals", whole.GetProperty("varies_over_seeds").GetString(), StringComparison.Ordinal);
        Assert.Contains("another 30 % of the recorded time", windows.GetProperty("varies_over_seeds").GetString(), StringComparison.Ordinal);

        static int[] Requests(System.Text.Json.JsonElement json) =>
            [.. json.GetProperty("runs").EnumerateArray().Select(r => r.GetProperty("requests").GetInt32())];
    }

    [Theory]
    [InlineData("poisson:rate=60,n=50,prompt=30,output=6", "Each seed draws all of the workload anew.")]
    [InlineData("sample", "Seeds draw classes and what policies draw")]
    public void Below_a_ranking_stands_what_the_seeds_drew(string workload, string said)
    {
        var ran = Shell.Succeed("compare", "--workload", workload, "--take", "50", "--systems", "vllm-v1,sjf", "--seeds", "2");

        Assert.Contains(said, ran.Out, StringComparison.Ordinal);
    }

    [Fact]
    public void Timing_decisions_changes_none()
    {
        string[] args = ["compare", "--workload", Shell.Quick, "--systems", "vllm-v1,scls,qlm", "--json"];

        Assert.Equal(Fingerprints(Shell.Succeed(args)), Fingerprints(Shell.Succeed([.. args, "--seeds", "1"])));
    }

    [Fact]
    public void Of_all_systems_those_that_cannot_run_so_say_why()
    {
        var ran = Shell.Succeed("compare", "--workload", Shell.Quick, "--systems", "all", "--seeds", "1", "--set", "watermark=0.02");

        Assert.Contains("\nqlm is left out: --set watermark: system 'qlm' has no such setting.\n", ran.Out, StringComparison.Ordinal);
        Assert.Contains("sarathi", ran.Out, StringComparison.Ordinal);
        Assert.All(ran.Out.Split('\n').Take(5), line => Assert.InRange(line.Length, 0, Shell.Width));
    }

    [Fact]
    public void A_setting_that_no_system_has_is_refused()
    {
        var ran = Shell.Run("compare", "--systems", "all", "--set", "nonsense=1");

        Assert.Equal(ExitCodes.BadInput, ran.Code);
        Assert.Contains("nonsense", ran.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_ranking_has_a_folder_with_the_runs_of_its_first_seed()
    {
        using var folder = new TempFolder();
        Shell.Succeed("compare", "--workload", Shell.Quick, "--systems", "vllm-v1,sjf", "--seeds", "2", "--out", folder.Path);

        Assert.Equal(["01-vllm-v1", "02-sjf"], Directory.GetDirectories(folder.Path).Select(Path.GetFileName).Order());
        Assert.True(File.Exists(folder.File("ranking.txt")));
        Assert.Contains("Ranking", File.ReadAllText(folder.File("report.html")), StringComparison.Ordinal);
        Assert.Contains("\"ranking\"", File.ReadAllText(folder.File("comparison.json")), StringComparison.Ordinal);
    }

    private static JsonElement[] Runs(Ran ran) => [.. ran.Json.GetProperty("runs").EnumerateArray()];

    private static string[] Fingerprints(Ran ran) => [.. Runs(ran).Select(r => r.GetProperty("fingerprint").GetString()!)];
}
