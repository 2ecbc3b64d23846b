using System.Text;
using Sluice.Core;
using Sluice.Simulation;

namespace Sluice.Upstreams;

/// <summary>An engine without weights: it queues, batches, preempts and takes its time like the engine of its profile, and
/// answers with text that says it is a demo.</summary>
/// <remarks>The same engine loop, scheduler and step times as in the simulator, under a real clock. Equal prompts get equal
/// answers, and an answer begun on one demo engine goes on without a seam on another.</remarks>
public sealed class PacedUpstream : IUpstream
{
    private readonly PacedOptions _options;
    private readonly TimeProvider _time;
    private readonly PacedEngine _engine;

    public PacedUpstream(PacedOptions options, TimeProvider time)
    {
        if (options.Models.Count == 0) throw new InputException($"{options.Name}: a demo engine needs at least one model.");
        if (!(options.Speedup > 0) || double.IsInfinity(options.Speedup))
            throw new InputException($"{options.Name}: speed-up {options.Speedup}: expected a number above 0.");
        (_options, _time) = (options, time);
        _engine = new PacedEngine(options, time);
    }

    public string Name => _options.Name;

    public UpstreamCapabilities Capabilities => new()
    {
        Kind = UpstreamKind.Paced,
        Models = [.. _options.Models.Select((profile, i) => new UpstreamModel(
            PacedOptions.ModelName(profile), i == _engine.Loaded, _options.KvTokens ?? profile.KvTokens))],
        Chat = Continuation.AssistantPrefill,
        Completions = Continuation.Completion,
        HasMetrics = true,
        CanSwap = _options.Models.Count > 1,
        SequencesMax = _options.Limits.SequencesMax,
    };

    /// <summary>As its profile says. Under another clock than the real one, nothing that is given in steps holds.</summary>
    public ModelOnEngine? SpeedOf(string model)
    {
        if (IndexOf(model) is not (var index and >= 0) || _options.Speedup != 1) return null;
        var (profile, times) = (_options.Models[index], _options.LoadTimes);
        return new(
            _options.KvTokens ?? profile.KvTokens, _options.Limits.SequencesMax, _options.Limits.TokenBudget,
            new ClosedFormStepTime(profile), times.WarmSwap(profile, isPinned: true), times.ColdStart(profile, Links.NvmeGen4),
            profile.KvBytesPerToken / (profile.HostGigabytesPerSecond * 1e9));
    }

    public Task<bool> ProbeAsync(CancellationToken cancel) => Task.FromResult(true);

    public Task<UpstreamReport?> ReportAsync(CancellationToken cancel) => Task.FromResult<UpstreamReport?>(_engine.Report);

    public async Task<bool> LoadAsync(string model, CancellationToken cancel) =>
        IndexOf(model) is var index and >= 0 && await _engine.LoadAsync(index, cancel).ConfigureAwait(false);

    public async Task<CallOutcome> CallAsync(UpstreamCall call, IAnswerSink sink, CancellationToken cancel)
    {
        if (cancel.IsCancellationRequested) return new(CallEnd.Cancelled, 0, -1, 0, "");
        if (PacedRequest.Read(call, out var error) is not { } request) return Refused(400, error);
        if (IndexOf(call.Model) is var index && index != _engine.Loaded)
            return index < 0
                ? Refused(404, ErrorJson.Write($"{call.Model}: {Name} has no such model.", param: "model", code: "model_not_found"))
                : new(CallEnd.Busy, 503, -1, 0, ErrorJson.Write($"{call.Model} is not loaded in {Name}.", "server_error"));

        var isEmbedding = call.Api == UpstreamApi.Embeddings;
        var answer = new PacedAnswer(request, _options.AnswerTokens);
        if (!isEmbedding && call.Resume is { } soFar) answer.Skip(soFar);
        var counted = request.PromptTokens + (call.Resume?.OutputTokens ?? 0); // As a real engine counts: all that it was sent.
        if (answer.Made == answer.Tokens) return await EndAsync(call, answer, sink, cancel).ConfigureAwait(false);

        var taken = _engine.Submit(request.PromptTokens, isEmbedding ? 1 : answer.Tokens, answer.Made, out var running);
        if (running is null) return NotTaken(taken, request, answer);

        try
        {
            var json = Json(call);
            return isEmbedding ? await EmbedAsync().ConfigureAwait(false)
                : call.Stream ? await StreamAsync().ConfigureAwait(false)
                : await WholeAsync().ConfigureAwait(false);

            async ValueTask<CallOutcome> EmbedAsync()
            {
                await running.NextAsync(0, cancel).ConfigureAwait(false);
                if (running.End != CallEnd.Completed) return Broken(0);
                await sink.OnDataAsync(json.Embeddings(request), 0, cancel).ConfigureAwait(false);
                return new(CallEnd.Completed, 200, request.PromptTokens, 0, "");
            }

            async ValueTask<CallOutcome> StreamAsync()
            {
                var first = answer.Made;
                for (var hasEnded = false; !hasEnded;)
                {
                    (var due, hasEnded) = await running.NextAsync(answer.Made, cancel).ConfigureAwait(false);
                    while (answer.Made < due)
                        await sink.OnDataAsync(json.Piece(answer.Next(), request.Tool), 1, cancel).ConfigureAwait(false);
                }

                var made = answer.Made - first;
                if (running.End != CallEnd.Completed) return Broken(made);
                await sink.OnDataAsync(json.Last(answer.FinishReason), 0, cancel).ConfigureAwait(false);
                if (request.WantsUsage)
                    await sink.OnDataAsync(json.UsageEvent(counted, made), 0, cancel).ConfigureAwait(false);
                return new(CallEnd.Completed, 200, counted, made, "");
            }

            async ValueTask<CallOutcome> WholeAsync()
            {
                var first = answer.Made;
                var text = new StringBuilder();
                for (var hasEnded = false; !hasEnded;)
                {
                    (var due, hasEnded) = await running.NextAsync(answer.Made, cancel).ConfigureAwait(false);
                    while (answer.Made < due) text.Append(answer.Next());
                }

                var made = answer.Made - first;
                if (running.End != CallEnd.Completed) return Broken(made);
                var whole = json.Whole(text.ToString(), request.Tool, answer.FinishReason, counted, made);
                await sink.OnDataAsync(whole, made, cancel).ConfigureAwait(false);
                return new(CallEnd.Completed, 200, counted, made, "");
            }
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            return new(CallEnd.Cancelled, 0, counted, answer.Made - (call.Resume?.OutputTokens ?? 0), "");
        }
        finally
        {
            _engine.Cancel(running); // Means nothing to a call that has ended.
        }
    }

    public ValueTask DisposeAsync()
    {
        _engine.Dispose();
        return ValueTask.CompletedTask;
    }

    private PacedJson Json(UpstreamCall call) =>
        new(call.Api, call.ExternalId, call.Model, _time.GetUtcNow().ToUnixTimeSeconds());

    /// <summary>The end of an answer whose every token the caller has.</summary>
    private async Task<CallOutcome> EndAsync(UpstreamCall call, PacedAnswer answer, IAnswerSink sink, CancellationToken cancel)
    {
        await sink.OnDataAsync(Json(call).Last(answer.FinishReason), 0, cancel).ConfigureAwait(false);
        return new(CallEnd.Completed, 200, -1, 0, "");
    }

    private CallOutcome NotTaken(CallEnd end, PacedRequest request, PacedAnswer answer) => end switch
    {
        CallEnd.Refused => Refused(400, ErrorJson.Write(
            $"The prompt has about {request.PromptTokens} tokens and the answer {answer.Tokens}: more than the whole KV cache of {Name}.",
            code: "context_length_exceeded")),
        CallEnd.Busy => new(CallEnd.Busy, 503, -1, 0, ErrorJson.Write($"{Name} has no room now.", "server_error")),
        _ => Broken(0),
    };

    private static CallOutcome Refused(int status, string error) => new(CallEnd.Refused, status, -1, 0, error);

    private static CallOutcome Broken(int outputTokens) => new(CallEnd.Broken, 0, -1, outputTokens, "The engine was stopped.");

    private int IndexOf(string model)
    {
        for (var i = 0; i < _options.Models.Count; i++)
            if (PacedOptions.ModelName(_options.Models[i]) == model) return i;
        return -1;
    }
}
