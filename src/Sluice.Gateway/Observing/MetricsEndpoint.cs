using System.Buffers;
using Sluice.Core;

namespace Sluice.Gateway;

/// <summary><c>/metrics</c> for Prometheus: requests by model and class, engines, and how well waits are predicted.</summary>
/// <remarks>The last family carries the names of vLLM's gauges, so that whatever balances over vLLM servers can take this gateway
/// for one (Gateway API Inference Extension, model server protocol).</remarks>
public sealed class MetricsEndpoint(RequestStats stats) : IEndpoints
{
    public void Map(IEndpointRouteBuilder routes, GatewayServices gateway) =>
        routes.MapGet("/metrics", context => WriteAsync(context, gateway));

    private async Task WriteAsync(HttpContext context, GatewayServices gateway)
    {
        var now = await gateway.Loop.SnapshotAsync(0).ConfigureAwait(false);
        var buffer = new ArrayBufferWriter<byte>(16 << 10);
        var text = new MetricsText(buffer);
        Requests(text);
        Engines(text, now);
        Waits(text, gateway.Loop.Calibration);
        VllmNames(text, now);
        context.Response.ContentType = "text/plain; version=0.0.4; charset=utf-8";
        await context.Response.Body.WriteAsync(buffer.WrittenMemory, context.RequestAborted).ConfigureAwait(false);
    }

    private void Requests(MetricsText text)
    {
        text.Family("sluice_requests_total", "counter", "Requests that ended, by outcome.");
        foreach (var s in stats.All)
        {
            foreach (var (outcome, count) in new[]
            {
                ("finished", s.Finished), ("cancelled", s.Cancelled), ("failed", s.Failed), ("rejected", s.Rejected),
            })
                text.Sample("sluice_requests_total", count, ("model", s.Model), ("class", s.Class), ("outcome", outcome));
        }

        Counter("sluice_queued_total", "Requests accepted into the queue.", s => s.Queued);
        Counter("sluice_slo_met_total", "Requests that finished with every promise kept.", s => s.Met);
        Counter("sluice_evictions_total", "Times a request was taken back from an engine into the queue.", s => s.Evictions);
        Counter("sluice_moves_total", "Times a running request moved to another engine.", s => s.Moves);
        Counter("sluice_prompt_tokens_total", "Prompt tokens of accepted requests, estimated.", s => s.PromptTokens);
        Counter("sluice_output_tokens_total", "Output tokens of requests that ended.", s => s.OutputTokens);
        Histogram("sluice_queue_wait_seconds", "From arrival to the first engine.", s => s.Wait);
        Histogram("sluice_time_to_first_token_seconds", "From arrival to the first token.", s => s.Ttft);
        Histogram("sluice_time_per_output_token_seconds", "Mean per answer, after the first token.", s => s.PerToken);
        Histogram("sluice_request_duration_seconds", "From arrival to the last token.", s => s.Duration);

        void Counter(string name, string help, Func<ClassStats, long> value)
        {
            text.Family(name, "counter", help);
            foreach (var s in stats.All) text.Sample(name, value(s), ("model", s.Model), ("class", s.Class));
        }

        void Histogram(string name, string help, Func<ClassStats, BucketHistogram> values)
        {
            text.Family(name, "histogram", help);
            foreach (var s in stats.All) text.Histogram(name, values(s), ("model", s.Model), ("class", s.Class));
        }
    }

    private void Engines(MetricsText text, LoopSnapshot now)
    {
        One("sluice_queue_depth", "gauge", "Requests that wait.", now.Queued);
        One("sluice_live_requests", "gauge", "Requests accepted and not ended.", now.Live);
        One("sluice_model_loads_total", "counter", "Models that engines were told to load.", stats.ModelLoads);
        One("sluice_engines_lost_total", "counter", "Times an engine went away.", stats.EnginesLost);
        Engine("sluice_engine_up", "1 while it is there.", e => e.IsPresent ? 1 : 0);
        Engine("sluice_engine_outstanding", "Requests sent and not ended.", e => e.Outstanding);
        Engine("sluice_engine_places", "Requests it may have at once.", e => e.Places);
        Engine("sluice_engine_output_tokens_per_second", "Over the last report interval.", e => e.TokensPerSecond);
        Engine("sluice_engine_kv_used_ratio", "As it reports; -1 when it does not.", e => e.Report.KvUsed);

        void One(string name, string type, string help, double value)
        {
            text.Family(name, type, help);
            text.Sample(name, value);
        }

        void Engine(string name, string help, Func<EngineNow, double> value)
        {
            text.Family(name, "gauge", help);
            foreach (var e in now.Engines) text.Sample(name, value(e), ("engine", e.Name), ("model", e.Model));
        }
    }

    private static void Waits(MetricsText text, RwtCalibration? calibration)
    {
        if (calibration is not { Count: > 0 } c) return;
        text.Family("sluice_wait_forecasts_total", "counter", "Waits that were predicted and have come to pass.");
        text.Sample("sluice_wait_forecasts_total", c.Count);
        text.Family("sluice_wait_forecast_p90_coverage_ratio", "gauge", "Share that waited no longer than predicted; 0.9 is right.");
        text.Sample("sluice_wait_forecast_p90_coverage_ratio", c.CoverageOfP90);
        text.Family("sluice_wait_forecast_relative_error", "gauge", "Sum of absolute errors over the sum of waits.");
        text.Sample("sluice_wait_forecast_relative_error", c.RelativeError);
    }

    private static void VllmNames(MetricsText text, LoopSnapshot now)
    {
        text.Family("vllm:num_requests_running", "gauge", "Requests on engines.");
        foreach (var model in now.Engines.GroupBy(e => e.Model))
            text.Sample("vllm:num_requests_running", model.Sum(e => e.Outstanding), ("model_name", model.Key));
        text.Family("vllm:num_requests_waiting", "gauge", "Requests in the queue, all models.");
        text.Sample("vllm:num_requests_waiting", now.Queued);
        text.Family("vllm:kv_cache_usage_perc", "gauge", "Greatest share of KV in use on an engine with the model, 0 to 1.");
        foreach (var model in now.Engines.GroupBy(e => e.Model))
            text.Sample("vllm:kv_cache_usage_perc", Math.Max(0, model.Max(e => e.Report.KvUsed)), ("model_name", model.Key));
    }
}
