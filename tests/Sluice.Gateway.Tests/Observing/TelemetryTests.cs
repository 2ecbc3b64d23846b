using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Sluice.Core;

namespace Sluice.Gateway.Tests;

/// <summary>What a collector of OpenTelemetry gets, over OTLP/HTTP.</summary>
public sealed class TelemetryTests
{
    [Fact]
    public async Task A_request_comes_out_as_a_span_in_the_words_of_the_conventions()
    {
        await using var collector = await Collector.StartAsync();
        await using (var gateway = await StartAsync(collector, new FakeUpstream()))
        {
            var answer = await gateway.ChatAsync(
                ",\"stream\":true,\"max_tokens\":7", ("x-request-id", "mine"), ("x-sluice-class", "interactive"),
                ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"));
            await answer.Content.ReadAsStringAsync();
        }

        var span = Assert.Single(collector.Bodies("/v1/traces"));
        Assert.True(Has(span, "chat m"u8));
        Assert.True(HasText(span, "gen_ai.operation.name", "chat"));
        Assert.True(HasText(span, "gen_ai.provider.name", "sluice"));
        Assert.True(HasText(span, "gen_ai.request.model", "m"));
        Assert.True(HasNumber(span, "gen_ai.request.max_tokens", 7));
        Assert.True(HasNumber(span, "gen_ai.usage.input_tokens", 10));
        Assert.True(HasNumber(span, "gen_ai.usage.output_tokens", 3));
        Assert.True(HasText(span, "sluice.queue.class", "interactive"));
        Assert.True(HasText(span, "sluice.request.id", "mine"));
        Assert.True(HasText(span, "service.name", "sluice"));
        Assert.True(Has(span, "sluice.queue.wait"u8));
        Assert.True(Has(span, "first token"u8));
        Assert.True(Has(span, Convert.FromHexString("0af7651916cd43dd8448eb211c80319c"))); // The caller's own trace.
        Assert.False(Has(span, "error.type"u8));
    }

    [Fact]
    public async Task A_request_that_fails_says_why()
    {
        await using var collector = await Collector.StartAsync();
        var engine = new FakeUpstream
        {
            Script = (_, _, _) => Task.FromResult(new Upstreams.CallOutcome(Upstreams.CallEnd.Refused, 400, -1, 0, "{}")),
        };
        await using (var gateway = await StartAsync(collector, engine)) await gateway.ChatAsync();

        Assert.True(HasText(Assert.Single(collector.Bodies("/v1/traces")), "error.type", "refused"));
    }

    [Fact]
    public async Task Metrics_have_the_names_of_the_conventions_and_those_of_the_queue()
    {
        await using var collector = await Collector.StartAsync();
        await using (var gateway = await StartAsync(collector, new FakeUpstream()))
            await (await gateway.ChatAsync(",\"stream\":true")).Content.ReadAsStringAsync();

        var metrics = collector.Bodies("/v1/metrics");
        foreach (var name in new[]
        {
            "gen_ai.server.request.duration", "gen_ai.server.time_to_first_token", "gen_ai.server.time_per_output_token",
            "gen_ai.client.token.usage", "sluice.queue.wait", "sluice.queue.depth", "sluice.queue.live", "sluice.queue.promises",
        })
            Assert.True(metrics.Any(m => Has(m, System.Text.Encoding.ASCII.GetBytes(name))), name);
        Assert.Contains(metrics, m => HasText(m, "gen_ai.token.type", "output"));
    }

    [Fact]
    public async Task A_collector_that_is_gone_holds_nobody_up()
    {
        Uri gone;
        await using (var collector = await Collector.StartAsync()) gone = collector.Address;
        await using var gateway = await TestGateway.StartAsync(new GatewayOptions { Telemetry = new() { Endpoint = gone } }, null, new FakeUpstream());

        Assert.Equal(200, (int)(await gateway.ChatAsync()).StatusCode);
    }

    [Fact]
    public void The_usual_variables_turn_it_on()
    {
        Assert.Null(Read());
        Assert.Null(Read(("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318"), ("OTEL_SDK_DISABLED", "true")));

        var read = Read(
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4317"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"), ("OTEL_SERVICE_NAME", "edge"));

        Assert.Equal(new() { Endpoint = new("http://c:4317"), IsGrpc = true, Service = "edge" }, read);
        Assert.Contains(
            "OTEL_EXPORTER_OTLP_ENDPOINT=collector",
            Assert.Throws<InputException>(() => Read(("OTEL_EXPORTER_OTLP_ENDPOINT", "collector"))).Message, StringComparison.Ordinal);

        static TelemetryOptions? Read(params (string Name, string Value)[] variables) =>
            TelemetryOptions.FromEnvironment(name => variables.FirstOrDefault(v => v.Name == name).Value);
    }

    private static Task<TestGateway> StartAsync(Collector collector, FakeUpstream engine) =>
        TestGateway.StartAsync(new GatewayOptions { Telemetry = new() { Endpoint = collector.Address } }, null, engine);

    private static bool Has(byte[] body, ReadOnlySpan<byte> text) => body.AsSpan().IndexOf(text) >= 0;

    /// <summary>As protobuf writes a key and its value; both are short.</summary>
    private static bool HasText(byte[] body, string key, string value) =>
        Has(body, [.. Field(0x0a, key), 0x12, (byte)(value.Length + 2), .. Field(0x0a, value)]);

    private static bool HasNumber(byte[] body, string key, byte value) => Has(body, [.. Field(0x0a, key), 0x12, 2, 0x18, value]);

    private static byte[] Field(byte tag, string text) => [tag, (byte)text.Length, .. System.Text.Encoding.ASCII.GetBytes(text)];

    /// <summary>Takes in what is posted.</summary>
    private sealed class Collector : IAsyncDisposable
    {
        private readonly ConcurrentQueue<(string Path, byte[] Body)> _posted = [];
        private readonly WebApplication _app;

        private Collector(WebApplication app) => _app = app;

        public Uri Address => new(_app.Urls.First());

        public static async Task<Collector> StartAsync()
        {
            var builder = WebApplication.CreateSlimBuilder();
            var collector = new Collector(builder.Build());
            collector._app.Urls.Add("http://127.0.0.1:0");
            collector._app.Run(async context =>
            {
                using var body = new MemoryStream();
                await context.Request.Body.CopyToAsync(body);
                collector._posted.Enqueue((context.Request.Path, body.ToArray()));
            });
            await collector._app.StartAsync();
            return collector;
        }

        public List<byte[]> Bodies(string path) => [.. _posted.Where(p => p.Path == path).Select(p => p.Body)];

        public async ValueTask DisposeAsync()
        {
            await _app.StopAsync();
            await _app.DisposeAsync();
        }
    }
}
