using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Sluice.Upstreams.Tests;

/// <summary>Keeps what an upstream answers.</summary>
internal sealed class Answers : IAnswerSink
{
    private readonly TaskCompletionSource _first = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public List<JsonNode> Events { get; } = [];
    public List<int> Tokens { get; } = [];

    /// <summary>Called with each event as it comes.</summary>
    public Func<ReadOnlyMemory<byte>, ValueTask>? OnEvent { get; init; }

    /// <summary>Done when something has come.</summary>
    public Task First => _first.Task;

    /// <summary>The text of all pieces, or of the whole answer.</summary>
    public string Text => string.Concat(Choices.Select(TextOf));

    /// <summary>The last one given.</summary>
    public string? FinishReason => Choices.Select(c => (string?)c["finish_reason"]).LastOrDefault(r => r is not null);

    private IEnumerable<JsonNode> Choices => Events.SelectMany(e => e["choices"]?.AsArray() ?? []).Select(c => c!);

    public async ValueTask OnDataAsync(ReadOnlyMemory<byte> json, int tokens, CancellationToken cancel)
    {
        Events.Add(JsonNode.Parse(json.Span)!);
        Tokens.Add(tokens);
        _first.TrySetResult();
        if (OnEvent is not null) await OnEvent(json);
    }

    private static string TextOf(JsonNode choice) =>
        (string?)(choice["text"] ?? choice["delta"]?["content"] ?? choice["message"]?["content"]) ?? "";
}

/// <summary>Builders of calls.</summary>
internal static class Calls
{
    public static UpstreamCall Chat(
        string model, object? more = null, bool stream = true, AnswerSoFar? resume = null, string text = "Hello, who are you?") =>
        Make(UpstreamApi.ChatCompletions, model, new { model, messages = new[] { new { role = "user", content = text } } }, more, stream)
            with { Resume = resume };

    public static UpstreamCall Completion(
        string model, object? more = null, bool stream = true, AnswerSoFar? resume = null, string text = "Once upon a time") =>
        Make(UpstreamApi.Completions, model, new { model, prompt = text }, more, stream) with { Resume = resume };

    public static UpstreamCall Embedding(string model, object input, object? more = null) =>
        Make(UpstreamApi.Embeddings, model, new { model, input }, more, stream: false);

    public static UpstreamCall Raw(string model, string body, UpstreamApi api = UpstreamApi.ChatCompletions, bool stream = true) => new()
    {
        Id = new(1),
        Api = api,
        Model = model,
        Body = Encoding.UTF8.GetBytes(body),
        Stream = stream,
        ExternalId = "req-1",
    };

    private static UpstreamCall Make(UpstreamApi api, string model, object body, object? more, bool stream)
    {
        var json = JsonSerializer.SerializeToNode(body)!.AsObject();
        if (more is not null)
            foreach (var (name, value) in JsonSerializer.SerializeToNode(more)!.AsObject())
                json[name] = value?.DeepClone();
        return Raw(model, json.ToJsonString(), api, stream);
    }
}
