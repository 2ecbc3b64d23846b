using System.Text.Json;

namespace Sluice.Upstreams;

/// <summary>llama.cpp's server started without a model: it starts and stops servers of its own for the models it
/// knows.</summary>
internal sealed class LlamaCppRouterDialect(EngineHttp http) : LlamaCppDialect(http)
{
    private volatile string? _loaded;

    public override UpstreamKind Kind => UpstreamKind.LlamaCppRouter;

    public override async Task<UpstreamCapabilities?> ProbeAsync(CancellationToken cancel)
    {
        if (await ListAsync(cancel).ConfigureAwait(false) is not { } list) return null;
        _loaded = list.FirstOrDefault(m => StatusOf(m) == "loaded").Text("id");

        // Asking for a model's properties must not load it.
        var props = _loaded is null
            ? default
            : (await Http.GetAsync("/props" + Query(_loaded), cancel).ConfigureAwait(false)).Json() ?? default;
        UpstreamModel[] models =
        [
            .. list.Where(m => m.Text("id") is not null).Select(m => new UpstreamModel(
                m.Text("id")!, StatusOf(m) is "loaded" or "sleeping", m.Text("id") == _loaded ? ContextOf(props) : 0)),
        ];
        return Found(props, models) with
        {
            HasMetrics = await ReportAsync(cancel).ConfigureAwait(false) is not null,
            CanSwap = models.Length > 1,
        };
    }

    public override async Task<UpstreamReport?> ReportAsync(CancellationToken cancel) =>
        _loaded is { } model ? await ReportAsync(Query(model), cancel).ConfigureAwait(false) : null;

    /// <summary>Others go first: a router that makes room itself may take a model that is being served.</summary>
    public override async Task<bool> LoadAsync(string model, CancellationToken cancel)
    {
        if (await ListAsync(cancel).ConfigureAwait(false) is not { } list) return false;
        if (list.Any(m => m.Text("id") == model && StatusOf(m) == "loaded")) return true;
        foreach (var other in list.Where(m => m.Text("id") != model && StatusOf(m) is "loaded" or "sleeping" or "loading"))
            await Http.PostAsync("/models/unload", Named(other.Text("id") ?? ""), cancel).ConfigureAwait(false);
        var isFree = await UntilAsync(async () => await IsGoneAsync().ConfigureAwait(false) ? true : null, cancel).ConfigureAwait(false);
        if (!isFree) return false;
        if (!(await Http.PostAsync("/models/load", Named(model), cancel).ConfigureAwait(false)).IsOk) return false;

        return await UntilAsync(async () =>
        {
            var now = await ListAsync(cancel).ConfigureAwait(false) ?? [];
            var status = now.FirstOrDefault(m => m.Text("id") == model).Member("status") ?? default;
            return status.Text("value") == "loaded" ? true : status.Flag("failed") ? false : null;
        }, cancel).ConfigureAwait(false);

        async Task<bool> IsGoneAsync() => (await ListAsync(cancel).ConfigureAwait(false) ?? [])
            .All(m => m.Text("id") == model || StatusOf(m) is not ("loaded" or "sleeping"));
    }

    private async Task<JsonElement[]?> ListAsync(CancellationToken cancel) =>
        (await Http.GetAsync("/models", cancel).ConfigureAwait(false)).Json() is { } list ? [.. list.Items("data")] : null;

    private static string? StatusOf(JsonElement model) => model.Member("status")?.Text("value");

    private static string Query(string model) => $"?model={Uri.EscapeDataString(model)}&autoload=false";

    private static string Named(string model) => $"{{\"model\":{BodyEdits.Quote(model)}}}";
}
