namespace Sluice.Upstreams;

/// <summary>SGLang. Releasing its memory needs <c>--enable-memory-saver</c>, metrics <c>--enable-metrics</c>.</summary>
internal sealed class SglangDialect(EngineHttp http) : Dialect(http)
{
    private bool _isLowFirst;

    /// <summary>We put it to sleep; it has no way to tell.</summary>
    private bool _isAsleep;

    public override UpstreamKind Kind => UpstreamKind.Sglang;

    public override async Task<UpstreamCapabilities?> ProbeAsync(CancellationToken cancel)
    {
        if (await ModelsAsync(cancel).ConfigureAwait(false) is not { Count: > 0 } models) return null;
        var info = (await Http.GetAsync("/get_server_info", cancel).ConfigureAwait(false)).Json()
            ?? (await Http.GetAsync("/server_info", cancel).ConfigureAwait(false)).Json() ?? default;
        _isLowFirst = info.Flag("schedule_low_priority_values_first");
        return new UpstreamCapabilities
        {
            Kind = Kind,
            Version = info.Text("version") ?? "",
            Models = _isAsleep ? [.. models.Select(m => m with { IsLoaded = false })] : models,
            Chat = Continuation.AssistantPrefill,
            Completions = Continuation.Completion,
            HasMetrics = await ReportAsync(cancel).ConfigureAwait(false) is not null,
            CanSwap = info.Flag("enable_memory_saver"),
            HasPriority = info.Flag("enable_priority_scheduling"),
            SequencesMax = (int)Math.Max(0, info.Whole("max_running_requests", 0)),
        };
    }

    public override async Task<UpstreamReport?> ReportAsync(CancellationToken cancel)
    {
        var answer = await Http.GetAsync("/metrics", cancel).ConfigureAwait(false);
        if (!answer.IsOk) return null;
        var metrics = new MetricSums(answer.Body, "sglang:", "cache_config_info", "page_size", "num_pages");
        if (metrics.IsEmpty) return null;
        var page = Math.Max(1, metrics.Label("page_size"));
        var pages = metrics.Label("num_pages");
        if (pages < 0 && metrics.Count("max_total_num_tokens") is var tokens and > 0) pages = tokens / page;
        return new(
            metrics.Count("num_running_reqs"), metrics.Count("num_queue_reqs"), metrics.Mean("token_usage"), pages, page,
            metrics.Sum("generation_tokens_total"));
    }

    public override async Task<bool> LoadAsync(string model, CancellationToken cancel)
    {
        var resumed = await Http.PostAsync("/resume_memory_occupation", "{}", cancel, Http.Options.LoadMax).ConfigureAwait(false);
        if (!resumed.IsOk) return false;
        _isAsleep = false;
        return true;
    }

    public override async Task<bool> SleepAsync(CancellationToken cancel)
    {
        var released = await Http.PostAsync("/release_memory_occupation", "{}", cancel, Http.Options.LoadMax).ConfigureAwait(false);
        if (!released.IsOk) return false;
        _isAsleep = true;
        return true;
    }

    public override Task<int> PromptTokensAsync(UpstreamCall call, CancellationToken cancel) =>
        Tokenizing.CountAsync(Http, call, cancel);

    public override string IdOf(UpstreamCall call) => NewId(call);

    public override void Abort(UpstreamApi api, string id) =>
        _ = Http.PostAsync("/abort_request", $"{{\"rid\":{BodyEdits.Quote(id)}}}", CancellationToken.None);

    /// <summary>The id by which it can be told to stop.</summary>
    public override void Edit(BodyEdits body, string id) => body.Set("rid", BodyEdits.Quote(id));

    /// <summary>Higher is earlier unless it was started otherwise.</summary>
    public override string Priority(int priority) => Number(_isLowFirst ? priority : -(long)priority);

    public override bool ContinueChat(BodyEdits body, string text)
    {
        if (!body.AppendAssistant(text, body.IsTrue("continue_final_message"))) return false;
        body.Set("continue_final_message", "true");
        return true;
    }
}
