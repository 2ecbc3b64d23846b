using System.Text.Json;

namespace Sluice.Upstreams;

/// <summary>Ollama. It answers by the OpenAI API, and loads and unloads by its own.</summary>
/// <remarks>A chat whose last message is the assistant's goes on. A completion does not: the prompt passes through the chat
/// template, so text put behind it would be the user's.</remarks>
internal sealed class OllamaDialect(EngineHttp http) : Dialect(http)
{
    public override UpstreamKind Kind => UpstreamKind.Ollama;

    public override async Task<UpstreamCapabilities?> ProbeAsync(CancellationToken cancel)
    {
        if ((await Http.GetAsync("/api/tags", cancel).ConfigureAwait(false)).Json() is not { } tags) return null;
        var version = (await Http.GetAsync("/api/version", cancel).ConfigureAwait(false)).Json()?.Text("version") ?? "";
        var running = await RunningAsync(cancel).ConfigureAwait(false);
        UpstreamModel[] models =
        [
            .. tags.Items("models").Select(NameOf).OfType<string>().Select(name =>
            {
                var here = running.FirstOrDefault(r => NameOf(r) == name);
                var isLoaded = here.ValueKind == JsonValueKind.Object;
                return new UpstreamModel(name, isLoaded, (int)Math.Max(0, here.Whole("context_length", 0)));
            }),
        ];
        return new UpstreamCapabilities
        {
            Kind = Kind,
            Version = version,
            Models = models,
            Chat = Continuation.AssistantPrefill,
            CanSwap = models.Length > 1,
        };
    }

    /// <summary>Others are told to go, then an empty prompt brings the model in; it stays until it is told to go.</summary>
    public override async Task<bool> LoadAsync(string model, CancellationToken cancel)
    {
        foreach (var other in await RunningAsync(cancel).ConfigureAwait(false))
            if (NameOf(other) is { } name && name != model)
                await GenerateAsync($"{{\"model\":{BodyEdits.Quote(name)},\"keep_alive\":0}}").ConfigureAwait(false);

        var load = $"{{\"model\":{BodyEdits.Quote(model)},\"keep_alive\":-1,\"stream\":false}}";
        return (await GenerateAsync(load).ConfigureAwait(false)).IsOk;

        Task<ControlAnswer> GenerateAsync(string json) => Http.PostAsync("/api/generate", json, cancel, Http.Options.LoadMax);
    }

    public override bool ContinueChat(BodyEdits body, string text) => body.AppendAssistant(text, isBegun: false);

    public override bool ContinueCompletion(BodyEdits body, string text) => false;

    private async Task<JsonElement[]> RunningAsync(CancellationToken cancel) =>
        (await Http.GetAsync("/api/ps", cancel).ConfigureAwait(false)).Json() is { } list ? [.. list.Items("models")] : [];

    private static string? NameOf(JsonElement model) => model.Text("name") ?? model.Text("model");
}
