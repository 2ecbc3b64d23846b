using Sluice.Core;

namespace Sluice.Simulation.Tests;

/// <summary>Reading measured runs: each format as it is, and broken.</summary>
public sealed class MeasuredFormatTests : IDisposable
{
    private const string Bench = "measured/vllm_bench_rtx4090_llama-3.1-8b_requests.jsonl.gz";
    private const string Trace = "traces/sharegpt_llama-3.1-8b_2_blockhash16.jsonl.gz";
    private const string Silicon = "measured/aiconfigurator_silicon_sample.csv.gz";

    private const string BenchLines = """
        {"request_id": "a", "input_toks": 32, "output_toks": 11, "arrival_time": 1000.0, "queued_ts": 50.0, "scheduled_ts": 50.0, "first_token_ts": 50.5, "last_token_ts": 51.5}
        {"request_id": "b", "input_toks": 40, "output_toks": 2, "arrival_time": 1000.2, "queued_ts": 50.5, "scheduled_ts": 50.5, "first_token_ts": 50.7, "last_token_ts": 50.8}
        """;

    private const string SiliconHeader =
        "id,backend,backend_version,model_path,system,precision,mode,isl,osl,batch_size,tp_size,pp_size,attention_dp_size," +
        "silicon_ttft_ms,silicon_tpot_ms\n";

    private readonly TempFolder _folder = new();

    private string Measured => Path.Combine(_folder.Path, "measured");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_vLLM_benchmark_joins_both_clocks_at_the_request_queued_soonest()
    {
        _folder.WriteZipped(Bench, BenchLines);

        var run = Assert.Single(MeasuredRuns.Find(Measured));

        Assert.Equal(("llama-3.1-8b@rtx4090", "vllm-v1", 256), (run.Profile, run.System, run.Limits.SequencesMax));
        Assert.False(run.HasPrefixCache);
        Assert.Equal(500.0, Value(run, LatencyMetric.Ttft, LatencyStatistic.Mean), 0.01); // 500 and 700 - 200 ms.
        Assert.Equal(100.0, Value(run, LatencyMetric.Tpot, LatencyStatistic.P50), 0.01);
        Assert.Equal(1500.0, Value(run, LatencyMetric.E2e, LatencyStatistic.P99), 0.01);
        Assert.Equal([0, 2_000_000], run.Workload!.Requests.Select(r => r.Arrival.Ticks));
        Assert.Equal([11, 2], run.Workload.OutputTokens);
    }

    [Fact]
    public void Prefix_hashes_come_from_the_trace_of_the_same_workload()
    {
        _folder.WriteZipped(Bench, BenchLines);
        _folder.WriteZipped(Trace, """
            {"input_toks": 32, "output_toks": 11, "arrival_time_ns": 0, "hash_ids": [0, 1]}
            {"input_toks": 40, "output_toks": 2, "arrival_time_ns": 200000000, "hash_ids": [0, 2]}
            """);

        var run = Assert.Single(MeasuredRuns.Find(Measured));

        Assert.True(run.HasPrefixCache);
        var (a, b) = (run.Workload!.Requests[0].PromptBlocks, run.Workload.Requests[1].PromptBlocks);
        Assert.Equal(a.Span[0], b.Span[0]);
        Assert.NotEqual(a.Span[1], b.Span[1]);
    }

    [Fact]
    public void A_trace_of_other_lengths_is_not_taken()
    {
        _folder.WriteZipped(Bench, BenchLines);
        _folder.WriteZipped(Trace, """
            {"input_toks": 32, "output_toks": 11, "hash_ids": [0, 1]}
            {"input_toks": 41, "output_toks": 2, "hash_ids": [0, 2]}
            """);

        Assert.False(Assert.Single(MeasuredRuns.Find(Measured)).HasPrefixCache);
    }

    [Theory]
    [InlineData("{", "gz:1: no valid JSON")]
    [InlineData("""{"input_toks": 32}""", "gz:1: 'output_toks' is missing")]
    [InlineData("""{"input_toks": 0, "output_toks": 11}""", "input_toks: expected a whole number from 1")]
    [InlineData("""{"input_toks": 3, "output_toks": 1, "arrival_time": 1, "queued_ts": 5, "first_token_ts": 4, "last_token_ts": 6}""",
        "expected queued_ts <= first_token_ts")]
    [InlineData("", "no requests in it")]
    public void A_broken_benchmark_line_is_named(string line, string message)
    {
        _folder.WriteZipped(Bench, line);

        AssertRefused(message);
    }

    [Fact]
    public void A_file_that_is_not_zipped_is_refused()
    {
        Directory.CreateDirectory(Measured);
        _folder.Write(Bench, BenchLines);

        AssertRefused("vllm_bench_rtx4090");
    }

    [Fact]
    public void A_DistServe_log_is_a_Python_list_that_a_summary_may_follow()
    {
        _folder.WriteZipped("measured/opt/sharegpt__vllm-2-1.exp.gz", """
            [{'prompt_len': 55, 'output_len': 3, 'issue_time': 12.5, 'first_token_time': 12.6, 'complete_time': 12.8, 'ttft_ms': 100.0}, {'prompt_len': 9, 'output_len': 1, 'issue_time': 12.0, 'first_token_time': 12.2, 'complete_time': 12.2, 'ttft_ms': 200.0}]
            {
            	num_requests: 2
            }
            """);
        _folder.WriteZipped("measured/opt/sharegpt__distserve-c21d11-300-3.exp.gz", "whatever");
        _folder.WriteZipped("measured/opt/sharegpt-workload__vllm-2-1.exp.gz", "whatever");

        var runs = MeasuredRuns.Find(Measured);

        Assert.Equal(["distserve-c21d11-300-3", "vllm-2-1"], runs.Select(r => r.Name));
        Assert.Equal("disaggregated prefill and decode", runs[0].NotSimulated);
        Assert.Equal("vllm-v0", runs[1].System);
        Assert.Equal([9, 55], runs[1].Workload!.Requests.Select(r => r.PromptTokens)); // In order of arrival.
        Assert.Equal(150.0, Value(runs[1], LatencyMetric.Ttft, LatencyStatistic.Mean), 0.01);
        Assert.Equal(100.0, Value(runs[1], LatencyMetric.Tpot, LatencyStatistic.Mean), 0.01);
    }

    [Theory]
    [InlineData("", "no list of dictionaries")]
    [InlineData("[]", "no requests in it")]
    [InlineData("{'prompt_len': 5}", "no list of dictionaries")]
    [InlineData("[{'prompt_len': 55, 'output_len': None}]", "no list of dictionaries")]
    [InlineData("[{'prompt_len': 55, 'output_len': 3, 'issue_time': 'x'}]", "[0]: issue_time: expected a number")]
    [InlineData("[{'prompt_len': 55, 'output_len': 3, 'issue", "no list of dictionaries")]
    public void A_broken_DistServe_log_is_refused(string text, string message)
    {
        _folder.WriteZipped("measured/opt/sharegpt__vllm-2-1.exp.gz", text);

        AssertRefused(message);
    }

    [Fact]
    public void Means_by_concurrency_are_repeated_as_a_closed_loop_where_there_is_a_profile()
    {
        _folder.WriteZipped(Silicon, SiliconHeader +
            "one,vllm,0.12.0,Qwen/Qwen3-32B,h100_sxm,,agg,1024,128,8.0,2.0,1.0,,154.2,18.04\n" +
            "two,vllm,0.12.0,Qwen/Qwen3-32B,h100_sxm,fp8,agg,1024,128,8.0,2.0,1.0,,154.2,18.04\n" +
            "three,sglang,0.5,Qwen/Qwen3-32B,h100_sxm,bf16,agg,1024,128,8.0,2.0,1.0,,154.2,18.04\n" +
            "four,vllm,0.12.0,Qwen/Qwen3-32B,h100_sxm,,disagg,1024,128,,,,,154.2,18.04\n");

        var runs = MeasuredRuns.Find(Measured);

        Assert.Equal(
            [null, "fp8, profiles are bf16", "sglang, profiles are vLLM's", "disaggregated prefill and decode"],
            runs.Select(r => r.NotSimulated));
        Assert.Equal(("qwen3-32b@h100:tp2", "qwen3-32b@h100:tp2 1024/128 x8"), (runs[0].Profile, runs[0].Name));
        Assert.Equal(8, runs[0].Workload!.Requests.Count(r => r.Arrival != Instant.Never));
        Assert.Equal(18.04, Value(runs[0], LatencyMetric.Tpot, LatencyStatistic.Mean));
    }

    [Theory]
    [InlineData("one,vllm,0.12.0,Qwen/Qwen3-32B,h100_sxm,,agg,1024,128,8.0,2.0,1.0,,154.2", ":2: expected 15 columns, got 14")]
    [InlineData("one,vllm,0.12.0,Qwen/Qwen3-32B,h100_sxm,,agg,many,128,8.0,2.0,1.0,,154.2,18", "column 'isl': expected a number")]
    [InlineData("one,vllm,0.12.0,Qwen/Qwen3-32B,h100_sxm,,agg,1024,1,8.0,2.0,1.0,,154.2,18", "osl of at least 2")]
    public void A_broken_row_of_means_is_named(string row, string message)
    {
        _folder.WriteZipped(Silicon, SiliconHeader + row + "\n");

        AssertRefused(message);
    }

    [Fact]
    public void A_table_of_means_without_a_column_names_the_column()
    {
        _folder.WriteZipped(Silicon, SiliconHeader.Replace("silicon_ttft_ms", "ttft_ms", StringComparison.Ordinal) + "x\n");

        AssertRefused("no column 'silicon_ttft_ms'");
    }

    [Fact]
    public void A_directory_without_runs_or_not_there_says_what_was_expected()
    {
        Assert.Contains("no such directory", Refusal(), StringComparison.Ordinal);
        Directory.CreateDirectory(Measured);
        AssertRefused("Expected vllm_bench_*_requests.jsonl.gz");
    }

    private static double Value(MeasuredRun run, LatencyMetric metric, LatencyStatistic statistic) =>
        run.Values.Single(v => v.Metric == metric && v.Statistic == statistic).Milliseconds;

    private void AssertRefused(string message) => Assert.Contains(message, Refusal(), StringComparison.Ordinal);

    private string Refusal() => Assert.Throws<InputException>(() => MeasuredRuns.Find(Measured)).Message;
}
