using System.Text.Json;
using Sluice.Core;

namespace Sluice.Upstreams;

/// <summary>llama.cpp's server with one model. Its slots are what it runs at once; each holds a context of its own.</summary>
/// <remarks>It goes on with a chat whose last message is the assistant's (unless started with
/// <c>--no-prefill-assistant</c>), and finds most of the prompt in the slot's cache.</remarks>
internal class LlamaCppDialect(EngineHttp http) : Dialect(http)
{
    private volatile LlamaCppSlots? _slots; // Null unless it can save them.

    public override UpstreamKind Kind => UpstreamKind.LlamaCpp;

    public override async Task<UpstreamCapabilities?> ProbeAsync(CancellationToken cancel)
    {
        if (!(await Http.GetAsync("/health", cancel).ConfigureAwait(false)).IsOk) return null; // 503 while it loads
        if (await ModelsAsync(cancel).ConfigureAwait(false) is not { Count: > 0 } models) return null;
        var props = (await Http.GetAsync("/props", cancel).ConfigureAwait(false)).Json() ?? default;
        var found = Found(props, [.. models.Select(m => m with { ContextMax = ContextOf(props) })]);
        if (found.SequencesMax > 0 && _slots?.Count != found.SequencesMax)
            _slots = await LlamaCppSlots.CanSaveAsync(Http, cancel).ConfigureAwait(false) ? new(Http, found.SequencesMax) : null;
        return found with
        {
            Keeping = _slots is null ? Keeping.None : Keeping.Kv,
            HasMetrics = await ReportAsync(cancel).ConfigureAwait(false) is not null,
        };
    }

    public override Task<UpstreamReport?> ReportAsync(CancellationToken cancel) => ReportAsync("", cancel);

    public override async Task<int> PromptTokensAsync(UpstreamCall call, CancellationToken cancel)
    {
        if (call.Api != UpstreamApi.ChatCompletions) return -1;
        var answer = await Http
            .PostAsync("/v1/chat/completions/input_tokens", System.Text.Encoding.UTF8.GetString(call.Body.Span), cancel)
            .ConfigureAwait(false);
        return (int)(answer.Json()?.Whole("input_tokens", -1) ?? -1);
    }

    public override LlamaCppPlace? Take(UpstreamCall call) => call.Api == UpstreamApi.Embeddings ? null : _slots?.Take(call);

    public override bool Keeps(RequestId request) => _slots?.Keeps(request) ?? false;

    public override void Forget(RequestId request) => _slots?.Forget(request);

    public override bool ContinueChat(BodyEdits body, string text) => body.AppendAssistant(text, isBegun: false);

    protected UpstreamCapabilities Found(JsonElement props, IReadOnlyList<UpstreamModel> models) => new()
    {
        Kind = Kind,
        Version = props.Text("build_info") ?? "",
        Models = models,
        Chat = Continuation.AssistantPrefill,
        Completions = Continuation.Completion,
        SequencesMax = (int)Math.Max(0, props.Whole("total_slots", 0)),
    };

    protected static int ContextOf(JsonElement props) =>
        (int)Math.Max(0, props.Member("default_generation_settings")?.Whole("n_ctx", 0) ?? 0);

    /// <summary>Slots say who is busy, metrics (if it was started with them) who waits. A slot counts as one block, because it
    /// is given as a whole.</summary>
    /// <param name="query">Which model, for a router; else empty.</param>
    /// <param name="cancel">Gives up.</param>
    protected async Task<UpstreamReport?> ReportAsync(string query, CancellationToken cancel)
    {
        var slots = (await Http.GetAsync("/slots" + query, cancel).ConfigureAwait(false)).JsonList();
        var answer = await Http.GetAsync("/metrics" + query, cancel).ConfigureAwait(false);
        var metrics = new MetricSums(answer.IsOk ? answer.Body : [], "llamacpp:", "");
        if (slots is null && metrics.IsEmpty) return null;

        var busy = slots?.Count(s => s.Flag("is_processing")) ?? metrics.Count("requests_processing");
        return new(
            busy, metrics.Count("requests_deferred"),
            slots is { Count: > 0 } ? busy / (double)slots.Count : -1, slots?.Count ?? -1,
            slots is { Count: > 0 } ? (int)slots[0].Whole("n_ctx", -1) : -1, metrics.Sum("tokens_predicted_total"));
    }
}
