using Sluice.Core;

namespace Sluice.Upstreams;

/// <summary>Makes dialects, and finds out which one an engine speaks.</summary>
internal static class Dialects
{
    public static Dialect Make(UpstreamKind kind, EngineHttp http) => kind switch
    {
        UpstreamKind.OpenAi => new OpenAiDialect(http),
        UpstreamKind.Vllm => new VllmDialect(http),
        UpstreamKind.Sglang => new SglangDialect(http),
        UpstreamKind.LlamaCpp => new LlamaCppDialect(http),
        UpstreamKind.LlamaCppRouter => new LlamaCppRouterDialect(http),
        UpstreamKind.Ollama => new OllamaDialect(http),
        _ => throw new InputException($"{http.Options.Name}: {kind} is no engine elsewhere."),
    };

    /// <summary>Goes by what an engine's list of models says of their owner, else by which of its own paths it has.</summary>
    /// <returns>Null, and why, if it does not answer or is not ready.</returns>
    public static async Task<(UpstreamKind? Kind, string? Problem)> DetectAsync(EngineHttp http, CancellationToken cancel)
    {
        var address = http.Options.Address;
        var models = await http.GetAsync("/v1/models", cancel).ConfigureAwait(false);
        switch (models.Status)
        {
            case 0: return (null, $"{address}: nobody answers");
            case 401 or 403: return (null, $"{address}: {models.Status}, the API key is missing or wrong");
            case 429 or >= 500: return (null, $"{address}: {models.Status}, it is starting or has trouble");
        }

        var kind = await DetectAsync(http, models, cancel).ConfigureAwait(false);
        return (kind, kind is null ? $"{address}: {models.Status} from /v1/models, and no engine that is known" : null);
    }

    private static async Task<UpstreamKind?> DetectAsync(EngineHttp http, ControlAnswer models, CancellationToken cancel)
    {
        var owner = models.Json()?.Items("data").Select(m => m.Text("owned_by")).FirstOrDefault(o => o is not null);
        switch (owner)
        {
            case "vllm": return UpstreamKind.Vllm;
            case "sglang": return UpstreamKind.Sglang;
            case "library": return UpstreamKind.Ollama;
        }

        if (await IsRouterAsync().ConfigureAwait(false)) return UpstreamKind.LlamaCppRouter;
        if (owner == "llamacpp") return UpstreamKind.LlamaCpp;
        if (await HasAsync("/api/version", "version").ConfigureAwait(false)) return UpstreamKind.Ollama;
        if (await HasAsync("/props", "total_slots").ConfigureAwait(false)) return UpstreamKind.LlamaCpp;
        if (await HasAsync("/get_model_info", "model_path").ConfigureAwait(false)) return UpstreamKind.Sglang;
        if (await HasAsync("/version", "version").ConfigureAwait(false)) return UpstreamKind.Vllm;
        return models.IsOk ? UpstreamKind.OpenAi : null;

        async Task<bool> IsRouterAsync() =>
            (await http.GetAsync("/models", cancel).ConfigureAwait(false)).Json() is { } list &&
            list.Items("data").Any(m => m.Member("status")?.Text("value") is not null);

        async Task<bool> HasAsync(string path, string member) =>
            (await http.GetAsync(path, cancel).ConfigureAwait(false)).Json()?.Member(member) is not null;
    }
}

/// <summary>Any server of the OpenAI API, of which nothing more is known.</summary>
internal sealed class OpenAiDialect(EngineHttp http) : Dialect(http)
{
    public override UpstreamKind Kind => UpstreamKind.OpenAi;

    public override async Task<UpstreamCapabilities?> ProbeAsync(CancellationToken cancel) =>
        await ModelsAsync(cancel).ConfigureAwait(false) is { } models
            ? new UpstreamCapabilities { Kind = Kind, Models = models, Completions = Continuation.Completion }
            : null;
}
