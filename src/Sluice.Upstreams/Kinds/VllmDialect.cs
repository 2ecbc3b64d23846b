namespace Sluice.Upstreams;

/// <summary>vLLM. Sleep, wake and abort are there only in development mode (<c>VLLM_SERVER_DEV_MODE=1</c>, and
/// <c>--enable-sleep-mode</c>), and its metrics always.</summary>
internal sealed class VllmDialect(EngineHttp http) : Dialect(http)
{
    private bool? _hasPriority;
    private bool _hasControls;

    public override UpstreamKind Kind => UpstreamKind.Vllm;

    public override async Task<UpstreamCapabilities?> ProbeAsync(CancellationToken cancel)
    {
        if (await ModelsAsync(cancel).ConfigureAwait(false) is not { Count: > 0 } models) return null;
        var version = (await Http.GetAsync("/version", cancel).ConfigureAwait(false)).Json()?.Text("version") ?? "";
        var sleeping = (await Http.GetAsync("/is_sleeping", cancel).ConfigureAwait(false)).Json();
        _hasControls = sleeping?.Member("is_sleeping") is not null;
        var isAsleep = sleeping?.Flag("is_sleeping") ?? false;
        if (!isAsleep) _hasPriority ??= await FindPriorityAsync(models[0].Name, cancel).ConfigureAwait(false);
        return new UpstreamCapabilities
        {
            Kind = Kind,
            Version = version,
            Models = isAsleep ? [.. models.Select(m => m with { IsLoaded = false })] : models,
            Chat = Continuation.AssistantPrefill,
            Completions = Continuation.Completion,
            HasMetrics = await ReportAsync(cancel).ConfigureAwait(false) is not null,
            CanSwap = _hasControls,
            HasPriority = _hasPriority ?? false,
        };
    }

    public override async Task<UpstreamReport?> ReportAsync(CancellationToken cancel)
    {
        var answer = await Http.GetAsync("/metrics", cancel).ConfigureAwait(false);
        if (!answer.IsOk) return null;
        var metrics = new MetricSums(answer.Body, "vllm:", "cache_config_info", "block_size", "num_gpu_blocks");
        if (metrics.IsEmpty) return null;
        return new(
            metrics.Count("num_requests_running"), metrics.Count("num_requests_waiting"),
            metrics.Mean("kv_cache_usage_perc", "gpu_cache_usage_perc"), metrics.Label("num_gpu_blocks"), metrics.Label("block_size"),
            metrics.Sum("generation_tokens_total", "generation_tokens"));
    }

    public override async Task<bool> LoadAsync(string model, CancellationToken cancel)
    {
        if (!(await Http.PostAsync("/wake_up", "", cancel, Http.Options.LoadMax).ConfigureAwait(false)).IsOk) return false;
        return await UntilAsync(async () =>
        {
            var answer = (await Http.GetAsync("/is_sleeping", cancel).ConfigureAwait(false)).Json();
            return answer?.Flag("is_sleeping") == false ? true : null;
        }, cancel).ConfigureAwait(false);
    }

    /// <summary>Weights go to host memory, KV is dropped: waking takes seconds.</summary>
    public override async Task<bool> SleepAsync(CancellationToken cancel) =>
        (await Http.PostAsync("/sleep?level=1", "", cancel, Http.Options.LoadMax).ConfigureAwait(false)).IsOk;

    public override Task<int> PromptTokensAsync(UpstreamCall call, CancellationToken cancel) =>
        Tokenizing.CountAsync(Http, call, cancel);

    public override string IdOf(UpstreamCall call) => _hasControls ? NewId(call) : call.ExternalId;

    /// <summary>vLLM puts a prefix for the kind of call before the id that we gave.</summary>
    public override void Abort(UpstreamApi api, string id)
    {
        if (!_hasControls) return;
        var prefix = api == UpstreamApi.ChatCompletions ? "chatcmpl-" : "cmpl-";
        var ids = $"{{\"request_ids\":[{BodyEdits.Quote(prefix + id)}]}}";
        _ = Http.PostAsync("/abort_requests", ids, CancellationToken.None);
    }

    public override bool ContinueChat(BodyEdits body, string text)
    {
        if (!body.AppendAssistant(text, body.IsTrue("continue_final_message"))) return false;
        body.Set("continue_final_message", "true");
        body.Set("add_generation_prompt", "false");
        return true;
    }

    /// <summary>vLLM refuses a priority unless it schedules by it, so one token with one tells.</summary>
    private async Task<bool?> FindPriorityAsync(string model, CancellationToken cancel)
    {
        var body = $"{{\"model\":{BodyEdits.Quote(model)},\"prompt\":\"a\",\"max_tokens\":1,\"priority\":1}}";
        return (await Http.PostAsync("/v1/completions", body, cancel).ConfigureAwait(false)).Status switch
        {
            200 => true,
            400 => false,
            _ => null, // It could not say now.
        };
    }
}
