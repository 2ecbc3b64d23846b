using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Threading.Channels;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using Sluice.Core;
using Sluice.Upstreams;

namespace Sluice.Gateway;

/// <summary>Exports a span per request, and metrics, in the words of OpenTelemetry's conventions for generative AI, and
/// <c>sluice.queue.*</c> for what they have no words for.</summary>
/// <remarks>Spans are made when a request has ended, by a worker, from what the loop knows of it: nothing is added to a request's own
/// way but one small object. When the worker cannot keep up, the newest spans are lost and counted.</remarks>
public sealed class Telemetry : IEventSink
{
    private const string Source = "Sluice.Gateway";

    /// <summary>Ended requests that wait for the worker: some seconds of a busy gateway.</summary>
    private const int WaitingMax = 16_384;

    private readonly Channel<EndedRequest> _ended = Channel.CreateBounded<EndedRequest>(
        new BoundedChannelOptions(WaitingMax) { FullMode = BoundedChannelFullMode.Wait, SingleReader = true });

    private readonly GatewayServices _gateway;
    private readonly TelemetryOptions _options;
    private readonly DateTimeOffset _epoch; // of the gateway's time line
    private long _lost;

    public Telemetry(GatewayServices gateway, TelemetryOptions options)
    {
        (_gateway, _options) = (gateway, options);
        _epoch = gateway.Loop.Time.GetUtcNow() - TimeSpan.FromTicks(gateway.Loop.Now.Ticks);
        gateway.Loop.Events.Add(this);
    }

    /// <summary>Ended requests of which nothing was exported, because the worker was too slow.</summary>
    public long Lost => Interlocked.Read(ref _lost);

    public void Emit(in SluiceEvent e)
    {
        if (e.Kind is not (EventKind.Finished or EventKind.Cancelled or EventKind.Failed or EventKind.Rejected)) return;
        if (_gateway.Loop.Find(e.Request) is not { } live) return;
        var output = e.Kind is EventKind.Finished or EventKind.Cancelled ? e.Amount : live.OutputTokens;
        var firstToken = live.FirstTokenAt == Instant.Never && e.Kind == EventKind.Finished ? e.At : live.FirstTokenAt;
        var ended = new EndedRequest(
            live.Call, _gateway.Options.Classes[live.Call.Class].Name, e.Kind, live.ArrivedAt, live.DispatchedAt, live.FirstTokenAt, e.At,
            live.LastCall.PromptTokens > 0 ? live.LastCall.PromptTokens : live.Call.PromptTokens, output, live.EngineName, live.Evictions,
            live.Losses, live.Forecast,
            e.Kind == EventKind.Finished && RequestStats.IsMet(live, firstToken, e.At, output), live.EndsAs);
        if (!_ended.Writer.TryWrite(ended)) Interlocked.Increment(ref _lost);
    }

    /// <summary>Exports until it is told to stop, and then what is left.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        using var source = new ActivitySource(Source);
        using var meter = new Meter(Source);
        var metrics = new TelemetryMetrics(meter, _gateway);
        var resource = ResourceBuilder.CreateDefault().AddService(_options.Service, serviceInstanceId: Environment.MachineName);
        using var traces = Sdk.CreateTracerProviderBuilder().AddSource(Source).SetResourceBuilder(resource)
            .AddOtlpExporter(exporter => Set(exporter, "v1/traces")).Build();
        using var measured = Sdk.CreateMeterProviderBuilder().AddMeter(Source).SetResourceBuilder(resource)
            .AddOtlpExporter((exporter, reader) =>
            {
                Set(exporter, "v1/metrics");
                reader.PeriodicExportingMetricReaderOptions.ExportIntervalMilliseconds = (int)_options.MetricsEvery.TotalMilliseconds;
            }).Build();
        try
        {
            await foreach (var request in _ended.Reader.ReadAllAsync(stop).ConfigureAwait(false)) Export(request);
        }
        catch (OperationCanceledException)
        {
            while (_ended.Reader.TryRead(out var request)) Export(request);
        }
        finally
        {
            _gateway.Loop.Events.Remove(this); // The providers export what they hold when they are disposed of.
        }

        void Export(EndedRequest request)
        {
            metrics.Record(request);
            RequestSpan.Write(source, request, _epoch);
        }
    }

    private void Set(OtlpExporterOptions exporter, string path)
    {
        exporter.Protocol = _options.IsGrpc ? OtlpExportProtocol.Grpc : OtlpExportProtocol.HttpProtobuf;
        exporter.Endpoint = _options.IsGrpc ? _options.Endpoint : new(_options.Endpoint.AbsoluteUri.TrimEnd('/') + "/" + path);
        if (_options.Headers is { } headers) exporter.Headers = headers;
    }
}

/// <summary>What is exported of a request that has ended.</summary>
internal sealed record EndedRequest(
    LiveCall Call, string Class, EventKind How, Instant ArrivedAt, Instant DispatchedAt, Instant FirstTokenAt, Instant EndedAt,
    int PromptTokens, int OutputTokens, string Engine, int Evictions, int Losses, WaitForecast? Forecast, bool IsMet, LiveEnd End)
{
    /// <summary><c>gen_ai.operation.name</c>.</summary>
    public string Operation => Call.Api switch
    {
        UpstreamApi.ChatCompletions => "chat",
        UpstreamApi.Completions => "text_completion",
        UpstreamApi.Embeddings => "embeddings",
        _ => throw new InvariantException($"unmapped {Call.Api}"),
    };

    /// <summary><c>error.type</c>; null if it was answered.</summary>
    public string? Error => How switch
    {
        EventKind.Finished => null,
        EventKind.Rejected => "rejected",
        _ => End switch
        {
            LiveEnd.Expired => "timeout",
            LiveEnd.Cancelled => "cancelled",
            LiveEnd.Refused => "refused",
            LiveEnd.Stopping => "stopping",
            _ => "engine_failed",
        },
    };
}
