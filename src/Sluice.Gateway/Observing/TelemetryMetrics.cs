using System.Diagnostics;
using System.Diagnostics.Metrics;
using Sluice.Core;

namespace Sluice.Gateway;

/// <summary>Metrics of requests that have ended, and of the queue as it stands.</summary>
internal sealed class TelemetryMetrics
{
    /// <summary><c>gen_ai.provider.name</c>: who answers, as far as callers know.</summary>
    public const string Provider = "sluice";

    // Bounds as the conventions give them.
    private static readonly double[] s_duration =
        [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];

    private static readonly double[] s_firstToken =
        [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

    private static readonly double[] s_perToken = [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5];

    private static readonly long[] s_tokens =
        [1, 4, 16, 64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864];

    private static readonly double[] s_wait = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200, 43_200];

    private readonly Histogram<double> _duration, _firstToken, _perToken, _wait;
    private readonly Histogram<long> _tokens;
    private readonly Counter<long> _evictions, _losses, _promises;

    public TelemetryMetrics(Meter meter, GatewayServices gateway)
    {
        _duration = Seconds("gen_ai.server.request.duration", "From a request's arrival to its last token.", s_duration);
        _firstToken = Seconds("gen_ai.server.time_to_first_token", "From a request's arrival to its first token.", s_firstToken);
        _perToken = Seconds("gen_ai.server.time_per_output_token", "Mean of an answer, after its first token.", s_perToken);
        _wait = Seconds("sluice.queue.wait", "From a request's arrival to its first engine.", s_wait);
        _tokens = meter.CreateHistogram(
            "gen_ai.client.token.usage", "{token}", "Tokens of a request.", null,
            new InstrumentAdvice<long> { HistogramBucketBoundaries = s_tokens });
        _evictions = meter.CreateCounter<long>("sluice.queue.evictions", "{eviction}", "Times a request gave way to a more urgent one.");
        _losses = meter.CreateCounter<long>("sluice.queue.engine_losses", "{loss}", "Times a request lost its engine.");
        _promises = meter.CreateCounter<long>("sluice.queue.promises", "{request}", "Requests that ended, by whether promises were kept.");
        meter.CreateObservableGauge("sluice.queue.live", () => gateway.Loop.Live, "{request}", "Requests accepted and not ended.");
        meter.CreateObservableGauge("sluice.queue.depth", () => gateway.Loop.Queued, "{request}", "Requests that wait.");

        Histogram<double> Seconds(string name, string description, double[] bounds) => meter.CreateHistogram(
            name, "s", description, null, new InstrumentAdvice<double> { HistogramBucketBoundaries = bounds });
    }

    public void Record(EndedRequest request)
    {
        var tags = new TagList
        {
            { "gen_ai.operation.name", request.Operation }, { "gen_ai.provider.name", Provider },
            { "gen_ai.request.model", request.Call.Model },
        };
        var queue = tags;
        queue.Add("sluice.queue.class", request.Class);
        if (request.DispatchedAt != Instant.Never) _wait.Record((request.DispatchedAt - request.ArrivedAt).TotalSeconds, queue);
        if (request.Evictions > 0) _evictions.Add(request.Evictions, queue);
        if (request.Losses > 0) _losses.Add(request.Losses, queue);
        queue.Add("sluice.slo.met", request.IsMet);
        _promises.Add(1, queue);

        var withError = tags;
        if (request.Error is { } error) withError.Add("error.type", error);
        _duration.Record((request.EndedAt - request.ArrivedAt).TotalSeconds, withError);
        if (request.How != EventKind.Finished) return;
        if (request.FirstTokenAt != Instant.Never) _firstToken.Record((request.FirstTokenAt - request.ArrivedAt).TotalSeconds, tags);
        if (request.FirstTokenAt != Instant.Never && request.OutputTokens > 1)
            _perToken.Record((request.EndedAt - request.FirstTokenAt).TotalSeconds / (request.OutputTokens - 1), tags);
        var (input, output) = (tags, tags);
        input.Add("gen_ai.token.type", "input");
        output.Add("gen_ai.token.type", "output");
        _tokens.Record(request.PromptTokens, input);
        _tokens.Record(request.OutputTokens, output);
    }
}
