using System.Text.Json;
using Sluice.Core;

namespace Sluice.Cli;

/// <summary>A run as JSON, with the keys of <c>vllm bench serve --save-result</c> and our own behind them.</summary>
public static class BenchJson
{
    public static void Write(BenchSummary run, Stream stream)
    {
        using var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true });
        json.WriteStartObject();
        json.WriteString("endpoint_type"u8, run.Options.IsChat ? "openai-chat" : "openai");
        json.WriteString("model_id"u8, run.Options.Model);
        json.WriteNumber("num_prompts"u8, run.Log.Workload.Requests.Length);
        if (run.Options.Rate is { } rate && double.IsFinite(rate)) json.WriteNumber("request_rate"u8, rate);
        else json.WriteString("request_rate"u8, run.Options.Rate is null ? run.Log.Workload.Name : "inf");
        if (run.Options.ConcurrencyMax < int.MaxValue) json.WriteNumber("max_concurrency"u8, run.Options.ConcurrencyMax);
        else json.WriteNull("max_concurrency"u8);
        json.WriteNumber("duration"u8, run.Log.Duration.TotalSeconds);
        json.WriteNumber("completed"u8, run.Completed);
        json.WriteNumber("failed"u8, run.Failed);
        json.WriteNumber("total_input_tokens"u8, run.InputTokens);
        json.WriteNumber("total_output_tokens"u8, run.OutputTokens);
        json.WriteNumber("request_throughput"u8, run.RequestsPerSecond);
        Number(json, "request_goodput", run.GoodputPerSecond);
        json.WriteNumber("output_throughput"u8, run.OutputTokensPerSecond);
        json.WriteNumber("total_token_throughput"u8, run.TokensPerSecond);
        json.WriteNumber("max_output_tokens_per_s"u8, run.Log.TokensPerSecondPeak);
        json.WriteNumber("max_concurrent_requests"u8, run.Log.ConcurrencyPeak);
        Figure(json, "ttft", run.Ttft);
        Figure(json, "tpot", run.Tpot);
        Figure(json, "itl", run.Itl);
        Figure(json, "e2el", run.E2el);
        Figure(json, "client_queue", run.ClientQueue);

        json.WriteStartArray("slo_attainment"u8);
        foreach (var c in run.Attainment)
        {
            json.WriteStartObject();
            json.WriteString("class"u8, c.Class);
            json.WriteNumber("requests"u8, c.Requests);
            Number(json, "attainment", c.Slo == Slo.BestEffort ? double.NaN : c.Kept / (double)c.Requests);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        if (run.Calibration is { } waits)
        {
            json.WriteStartObject("wait_calibration"u8);
            json.WriteNumber("requests"u8, waits.Requests);
            json.WriteNumber("mean_wait_ms"u8, waits.MeanWait);
            json.WriteNumber("mean_expected_wait_ms"u8, waits.MeanExpected);
            json.WriteNumber("mean_absolute_error_ms"u8, waits.Error);
            json.WriteNumber("mean_error_ms"u8, waits.Bias);
            json.WriteEndObject();
        }

        json.WriteBoolean("stopped_early"u8, run.Log.WasStopped);
        json.WriteStartObject("errors"u8);
        foreach (var (error, times) in run.Errors) json.WriteNumber(error, times);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void Figure(Utf8JsonWriter json, string name, BenchFigure figure)
    {
        Number(json, $"mean_{name}_ms", figure.Mean);
        Number(json, $"median_{name}_ms", figure.Median);
        Number(json, $"std_{name}_ms", figure.Deviation);
        Number(json, $"p99_{name}_ms", figure.P99);
    }

    private static void Number(Utf8JsonWriter json, string name, double value)
    {
        if (double.IsFinite(value)) json.WriteNumber(name, value);
        else json.WriteNull(name);
    }
}
