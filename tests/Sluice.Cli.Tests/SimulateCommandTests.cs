using System.Text.Json;
using Sluice.Testing;

namespace Sluice.Cli.Tests;

public sealed class SimulateCommandTests
{
    [Fact]
    public void Json_on_standard_output_is_one_object_with_the_promised_keys()
    {
        var ran = Shell.Succeed("simulate", "--workload", Shell.Quick, "--json");

        string[] keys =
        [
            "requests", "finished", "failed", "ttft_ms", "tpot_ms", "itl_ms", "e2e_ms", "slo_attainment", "goodput_rps",
            "output_tokens_per_s", "preemptions", "iterations", "virtual_s", "wall_s", "requests_per_wall_s", "peak_memory_mb",
            "fingerprint",
        ];
        Assert.Empty(keys.Except(ran.Json.EnumerateObject().Select(p => p.Name)));
        foreach (var latency in (string[])["ttft_ms", "tpot_ms", "itl_ms", "e2e_ms"])
            Assert.Equal(
                ["mean", "p50", "p90", "p95", "p99"], ran.Json.GetProperty(latency).EnumerateObject().Select(p => p.Name));
        Assert.Equal(200, ran.Json.GetProperty("finished").GetInt32());
        Assert.Equal("", ran.Error);
        Assert.EndsWith("}\n", ran.Out, StringComparison.Ordinal);
    }

    [Fact]
    public void The_table_has_the_shape_of_vllm_bench_serve()
    {
        var ran = Shell.Succeed("simulate", "--workload", Shell.Quick);

        Assert.StartsWith("=============== Serving Benchmark Result ===============\n", ran.Out, StringComparison.Ordinal);
        Assert.Contains("\nMean TTFT (ms):  ", ran.Out, StringComparison.Ordinal);
        Assert.Contains("\nMedian TPOT (ms):  ", ran.Out, StringComparison.Ordinal);
        Assert.Contains("nothing promised", ran.Out, StringComparison.Ordinal);
    }

    [Fact]
    public void A_saved_run_repeats_to_the_same_fingerprint_from_its_one_file()
    {
        using var folder = new TempFolder();
        var first = Shell.Succeed(
            "simulate", "--workload", Shell.Quick, "--system", "sjf", "--set", "router=random,length=noisy", "--engines", "3",
            "--seed", "7", "--slo", "chat:0.6,ttft=1s;batch:0.4,e2e=1h", "--json", "--out", folder.File("run"));

        var again = Shell.Succeed("simulate", "--config", folder.File("run/run.json"), "--json");

        Assert.Equal(first.Fingerprint, again.Fingerprint);
        Assert.Equal(first.Json.GetProperty("settings").GetRawText(), again.Json.GetProperty("settings").GetRawText());
    }

    [Fact]
    public void The_folder_holds_every_file_and_no_part_of_one()
    {
        using var folder = new TempFolder();
        Shell.Succeed("simulate", "--workload", Shell.Quick, "--out", folder.Path);

        Assert.Equal(
            ["report.html", "requests.csv", "result.json", "run.json", "timeseries.csv", "trace.json"],
            Directory.GetFiles(folder.Path).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Flags_beside_a_saved_run_win()
    {
        using var folder = new TempFolder();
        Shell.Succeed("simulate", "--workload", Shell.Quick, "--out", folder.Path);

        var other = Shell.Succeed("simulate", "--config", folder.File("run.json"), "--system", "srpt", "--seed", "1", "--json");

        Assert.Equal("srpt", other.Json.GetProperty("system").GetString());
        Assert.Equal("1", other.Json.GetProperty("settings").GetProperty("seed").GetString());
    }

    [Fact]
    public void A_fleet_may_mix_profiles()
    {
        var listed = Shell.Succeed("simulate", "--workload", Shell.Quick, "--profile", "1xllama-3.1-8b@a100,2xllama-3.1-8b@h100", "--json");
        var repeated = Shell.Succeed(
            "simulate", "--workload", Shell.Quick, "--profile", "llama-3.1-8b@a100", "--profile", "2xllama-3.1-8b@h100", "--engines", "3",
            "--json");

        Assert.Equal(3, listed.Json.GetProperty("engines").GetInt32());
        Assert.Equal(listed.Fingerprint, repeated.Fingerprint);
    }

    [Fact]
    public void A_saved_mix_of_profiles_repeats()
    {
        using var folder = new TempFolder();
        var first = Shell.Succeed(
            "simulate", "--workload", Shell.Quick, "--profile", "1xllama-3.1-8b@a100,2xllama-3.1-8b@h100", "--json", "--out", folder.Path);

        Assert.Equal(first.Fingerprint, Shell.Succeed("simulate", "--config", folder.File("run.json"), "--json").Fingerprint);
    }

    [Fact]
    public void Engines_that_share_a_device_are_slower_than_engines_of_their_own()
    {
        var shared = Shell.Succeed("simulate", "--workload", Shell.Quick, "--engines", "4", "--per-device", "2", "--json").Json;
        var alone = Shell.Succeed("simulate", "--workload", Shell.Quick, "--engines", "4", "--json").Json;

        Assert.Equal((4, 2), (shared.GetProperty("engines").GetInt32(), shared.GetProperty("devices").GetInt32()));
        Assert.True(P50(shared) > P50(alone), $"{P50(shared)} > {P50(alone)}");

        static double P50(JsonElement run) => run.GetProperty("tpot_ms").GetProperty("p50").GetDouble();
    }

    [Fact]
    public void Ctrl_C_ends_a_run_with_130_and_leaves_no_file()
    {
        using var folder = new TempFolder();
        var ran = Shell.Run(new CancellationToken(canceled: true), "simulate", "--workload", Shell.Quick, "--json", "--out", folder.File("run"));

        Assert.Equal((ExitCodes.Interrupted, "", "sluice: interrupted\n"), (ran.Code, ran.Out, ran.Error.ReplaceLineEndings("\n")));
        Assert.False(Directory.Exists(folder.File("run")));
    }
}
