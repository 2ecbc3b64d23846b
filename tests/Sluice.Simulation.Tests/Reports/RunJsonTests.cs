using System.Text;
using System.Text.Json;
using Sluice.Core;

namespace Sluice.Simulation.Tests;

public sealed class RunJsonTests
{
    [Fact]
    public void Keys_and_their_order_are_fixed() =>
        Assert.Equal(
            "system workload workload_origin settings engines devices requests finished failed rejected cancelled unfinished "
            + "prompt_tokens output_tokens prefill_tokens cached_prompt_tokens ttft_ms tpot_ms itl_ms e2e_ms queue_ms "
            + "normalized_latency_s_per_token slo_attainment goodput_rps goodput_rps_per_device goodput_tokens_per_s "
            + "smooth_goodput_tokens_per_s token_deadline_attainment reader_idle_s output_tokens_per_s requests_per_s jain_fairness preemptions iterations virtual_s wall_s requests_per_wall_s "
            + "peak_memory_mb fingerprint classes tenants notes",
            KeysOf(Json(MadeUpRun.Make(requests: 50))));

    [Fact]
    public void Latencies_and_groups_have_fixed_keys()
    {
        var json = Json(MadeUpRun.Make(requests: 50));

        Assert.Equal("mean p50 p90 p95 p99", KeysOf(json.GetProperty("itl_ms")));
        Assert.Equal(
            "name requests finished failed rejected cancelled unfinished output_tokens served_tokens slo_ttft_ms slo_tpot_ms "
            + "slo_e2e_ms slo_attainment token_deadline_attainment reader_idle_s ttft_ms tpot_ms e2e_ms queue_ms",
            KeysOf(json.GetProperty("classes")[0]));
    }

    [Fact]
    public void Figures_that_do_not_exist_are_null()
    {
        var json = Json(new TinyRun().Lost(0, Outcome.Failed).Make());

        Assert.Equal(JsonValueKind.Null, json.GetProperty("ttft_ms").GetProperty("p99").ValueKind);
        Assert.Equal(JsonValueKind.Null, json.GetProperty("peak_memory_mb").ValueKind);
        Assert.Equal(JsonValueKind.Null, json.GetProperty("classes")[0].GetProperty("slo_ttft_ms").ValueKind);
    }

    [Fact]
    public void Values_are_those_of_the_summary()
    {
        var summary = RunSummary.Of(MadeUpRun.Make(requests: 300));
        var json = JsonDocument.Parse(Text(s => RunJson.Write(summary, s))).RootElement;

        Assert.Equal(summary.All.Ttft.P99, json.GetProperty("ttft_ms").GetProperty("p99").GetDouble());
        Assert.Equal(summary.Goodput, json.GetProperty("goodput_rps").GetDouble());
        Assert.Equal("vllm-v1", json.GetProperty("settings").GetProperty("system").GetString());
        Assert.Equal(summary.Fingerprint, json.GetProperty("fingerprint").GetString());
    }

    internal static string Text(Action<Stream> write)
    {
        using var stream = new MemoryStream();
        write(stream);
        return Encoding.UTF8.GetString(stream.ToArray());
    }

    private static JsonElement Json(RunResult run) =>
        JsonDocument.Parse(Text(s => RunJson.Write(RunSummary.Of(run), s))).RootElement;

    private static string KeysOf(JsonElement element) => string.Join(' ', element.EnumerateObject().Select(p => p.Name));
}
