using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Sluice.Core;

namespace Sluice.Upstreams;

/// <summary>An engine elsewhere that speaks the OpenAI API over HTTP; what is special to one kind is in its
/// <see cref="Dialect"/>.</summary>
/// <remarks>Bytes of an answer are handed on as they come, without building objects of them. Whatever the engine sends, memory
/// and time are bounded by <see cref="HttpUpstreamOptions"/>, and the outcome is a value.</remarks>
public sealed class HttpUpstream : IUpstream
{
    private readonly HttpUpstreamOptions _options;
    private readonly EngineHttp _http;
    private readonly CallWatch _watch;
    private readonly TimeProvider _time;
    private readonly ConcurrentDictionary<RequestId, CallWatch.Watched> _evictable = new(); // What the engine can keep.
    private volatile Dialect _dialect;
    private volatile UpstreamCapabilities _capabilities;

    public HttpUpstream(HttpUpstreamOptions options, TimeProvider time, HttpMessageHandler? handler = null)
    {
        (_options, _time) = (options, time);
        _http = new EngineHttp(options, time, handler);
        _watch = new CallWatch(time, options.TokenGapMax < options.FirstTokenMax ? options.TokenGapMax : options.FirstTokenMax);
        _dialect = Dialects.Make(options.Kind ?? UpstreamKind.OpenAi, _http);
        _capabilities = new UpstreamCapabilities { Kind = _dialect.Kind };
    }

    public string Name => _options.Name;
    public UpstreamCapabilities Capabilities => _capabilities;

    public string? Problem { get; private set; }

    public async Task<bool> ProbeAsync(CancellationToken cancel)
    {
        var kind = _options.Kind;
        if (kind is null)
        {
            (kind, Problem) = await Dialects.DetectAsync(_http, cancel).ConfigureAwait(false);
            if (kind is null) return false;
        }

        var dialect = kind == _dialect.Kind ? _dialect : Dialects.Make(kind.Value, _http);
        if (await dialect.ProbeAsync(cancel).ConfigureAwait(false) is not { } found)
        {
            Problem = $"{_options.Address}: {kind} is there, but not ready";
            return false;
        }

        (_dialect, _capabilities, Problem) = (dialect, found, null);
        return true;
    }

    public Task<UpstreamReport?> ReportAsync(CancellationToken cancel) => _dialect.ReportAsync(cancel);

    public Task<int> PromptTokensAsync(UpstreamCall call, CancellationToken cancel) => _dialect.PromptTokensAsync(call, cancel);

    public async Task<bool> LoadAsync(string model, CancellationToken cancel)
    {
        if (!await _dialect.LoadAsync(model, cancel).ConfigureAwait(false)) return false;
        await ProbeAsync(cancel).ConfigureAwait(false); // What is loaded has changed.
        return true;
    }

    /// <summary>Frees the device for another engine, without ending the process.</summary>
    /// <returns>False if it cannot.</returns>
    internal async Task<bool> SleepAsync(CancellationToken cancel)
    {
        if (!await _dialect.SleepAsync(cancel).ConfigureAwait(false)) return false;
        await ProbeAsync(cancel).ConfigureAwait(false);
        return true;
    }

    public async Task<CallOutcome> CallAsync(UpstreamCall call, IAnswerSink sink, CancellationToken cancel)
    {
        if (cancel.IsCancellationRequested) return Cancelled(0);
        using var place = _dialect.Take(call);
        CallBody body;
        try
        {
            body = CallBody.Of(call, _dialect, _capabilities, place);
        }
        catch (InputException e)
        {
            return new(CallEnd.Refused, 400, -1, 0, ErrorJson.Write(e.Message));
        }

        if (body.IsSaid) return await EndAsync(call, body, sink, cancel).ConfigureAwait(false);

        if (place is not null) await place.RestoreAsync().ConfigureAwait(false);
        using var watch = _watch.Begin(_options.FirstTokenMax, cancel);
        var run = new CallRun(_options, call, body, sink, watch);
        if (place is not null) _evictable[call.Id] = watch;
        CallOutcome outcome;
        try
        {
            outcome = await TryAsync(run, watch, cancel).ConfigureAwait(false);
        }
        finally
        {
            if (place is not null) _evictable.TryRemove(new(call.Id, watch));
        }

        if (outcome.End == CallEnd.Evicted) await place!.SaveAsync().ConfigureAwait(false);
        if (outcome.End == CallEnd.Cancelled || watch.Silence is not null) _dialect.Abort(call.Api, body.Id);
        return outcome;
    }

    public bool TryEvict(RequestId request)
    {
        if (!_evictable.TryGetValue(request, out var call)) return false;
        _ = Task.Run(call.Evict); // Whoever asks does not wait for what a cancellation sets off.
        return true;
    }

    public bool Keeps(RequestId request) => _dialect.Keeps(request);

    public void Forget(RequestId request) => _dialect.Forget(request);

    public ValueTask DisposeAsync()
    {
        _watch.Dispose();
        _http.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task<CallOutcome> TryAsync(CallRun run, CallWatch.Watched watch, CancellationToken cancel)
    {
        try
        {
            var path = run.Call.Api switch
            {
                UpstreamApi.ChatCompletions => "/v1/chat/completions",
                UpstreamApi.Completions => "/v1/completions",
                _ => "/v1/embeddings",
            };
            using var response = await _http
                .SendAsync(HttpMethod.Post, path, run.Body.Content, run.Body.Id, watch.Token).ConfigureAwait(false);
            return response.StatusCode == HttpStatusCode.OK
                ? await run.ReadAsync(response).ConfigureAwait(false)
                : await NotOkAsync(response, watch.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            return Cancelled(run.Tokens);
        }
        catch (OperationCanceledException) when (watch.IsEvicted)
        {
            return Evicted(run.Tokens);
        }
        catch (OperationCanceledException) when (watch.Silence is not null)
        {
            return Broken(run, $"no token came for {watch.Silence!.Value.TotalSeconds:0.###} s");
        }
        catch (Exception e) when (!run.IsInSink && (e is HttpRequestException or IOException or InvalidDataException or JsonException))
        {
            if (watch.IsEvicted) return Evicted(run.Tokens);
            return cancel.IsCancellationRequested ? Cancelled(run.Tokens) : Broken(run, e.InnerException?.Message ?? e.Message);
        }
    }

    /// <summary>The end of an answer that was lost with its engine when every token had come.</summary>
    private async Task<CallOutcome> EndAsync(UpstreamCall call, CallBody body, IAnswerSink sink, CancellationToken cancel)
    {
        var (form, piece) = call.Api == UpstreamApi.ChatCompletions
            ? ("chat.completion.chunk", "\"delta\":{}")
            : ("text_completion", "\"text\":\"\"");
        var end = $"{{\"id\":{BodyEdits.Quote(body.Id)},\"object\":\"{form}\",\"created\":{_time.GetUtcNow().ToUnixTimeSeconds()}," +
            $"\"model\":{BodyEdits.Quote(call.Model)},\"choices\":[{{\"index\":0,{piece},\"finish_reason\":\"length\"}}]}}";
        await sink.OnDataAsync(Encoding.UTF8.GetBytes(end), 0, cancel).ConfigureAwait(false);
        return new(CallEnd.Completed, 200, -1, 0, "");
    }

    private async Task<CallOutcome> NotOkAsync(HttpResponseMessage response, CancellationToken cancel)
    {
        var error = await BoundedBody.HeadAsync(response.Content, _options.ErrorBytesMax, cancel).ConfigureAwait(false);
        var status = (int)response.StatusCode;
        var isSaid = response.Content.Headers.ContentType?.MediaType?.EndsWith("json", StringComparison.OrdinalIgnoreCase) == true;
        return new(ErrorStatus.ToEnd(status, isSaid), status, -1, 0, error, RetryAfter(response.Headers));
    }

    private TimeSpan? RetryAfter(HttpResponseHeaders headers)
    {
        var after = headers.RetryAfter switch
        {
            { Delta: { } delta } => delta,
            { Date: { } date } => date - _time.GetUtcNow(),
            _ => (TimeSpan?)null,
        };
        return after < TimeSpan.Zero ? TimeSpan.Zero : after;
    }

    private CallOutcome Broken(CallRun run, string why) => new(CallEnd.Broken, run.Status, -1, run.Tokens, $"{Name}: {why}");

    private static CallOutcome Evicted(int tokens) => new(CallEnd.Evicted, 0, -1, tokens, "");

    private static CallOutcome Cancelled(int tokens) => new(CallEnd.Cancelled, 0, -1, tokens, "");
}
