using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using Sluice.Core;
using Sluice.Upstreams;

namespace Sluice.Gateway.Tests;

/// <summary>An engine that does what the case says. Without a script it answers at once with the words "one two three".</summary>
internal sealed class FakeUpstream(string name = "fake", params string[] models) : IUpstream
{
    private readonly string[] _models = models.Length > 0 ? models : ["m"];
    private volatile bool _isUp = true;

    public string Name => name;
    public int SequencesMax { get; init; } = 4;
    public bool CanSwap { get; init; }
    public Continuation Chat { get; init; } = Continuation.AssistantPrefill;
    public Func<UpstreamCall, IAnswerSink, CancellationToken, Task<CallOutcome>>? Script { get; set; }
    public ConcurrentQueue<UpstreamCall> Calls { get; } = [];
    public ConcurrentQueue<string> Loads { get; } = [];
    public Func<string, bool>? Loading { get; set; }
    public string? Problem { get; private set; }
    public string Loaded { get; private set; } = models.Length > 0 ? models[0] : "m";

    public bool IsUp
    {
        get => _isUp;
        set => _isUp = value;
    }

    public UpstreamCapabilities Capabilities => new()
    {
        Kind = UpstreamKind.OpenAi, Chat = Chat, Completions = Continuation.Completion, CanSwap = CanSwap, SequencesMax = SequencesMax,
        Models = [.. _models.Select(m => new UpstreamModel(m, !CanSwap || m == Loaded, 4096))],
    };

    public Task<bool> ProbeAsync(CancellationToken cancel) => Task.FromResult(_isUp);

    public async Task<CallOutcome> CallAsync(UpstreamCall call, IAnswerSink sink, CancellationToken cancel)
    {
        Calls.Enqueue(call with { Body = call.Body.ToArray() });
        if (!_isUp) return new(CallEnd.Broken, 0, -1, 0, "connection refused");
        try
        {
            return await (Script ?? Answer)(call, sink, cancel);
        }
        catch (OperationCanceledException)
        {
            return new(CallEnd.Cancelled, 0, -1, 0, "");
        }
    }

    public Task<UpstreamReport?> ReportAsync(CancellationToken cancel) => Task.FromResult<UpstreamReport?>(null);

    public Task<bool> LoadAsync(string model, CancellationToken cancel)
    {
        Loads.Enqueue(model);
        if (Loading?.Invoke(model) == false)
        {
            Problem = $"{model}: the file is damaged";
            return Task.FromResult(false);
        }

        Loaded = model;
        return Task.FromResult(true);
    }

    public void Unload() => Loaded = "";

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static Task<CallOutcome> Answer(UpstreamCall call, IAnswerSink sink, CancellationToken cancel) =>
        WordsAsync(call, sink, cancel, "one", " two", " three");

    /// <summary>Answers with these words, a token each, after ten prompt tokens.</summary>
    public static async Task<CallOutcome> WordsAsync(
        UpstreamCall call, IAnswerSink sink, CancellationToken cancel, params string[] words)
    {
        var prompt = 10 + (call.Resume?.OutputTokens ?? 0);
        if (call.Api == UpstreamApi.Embeddings)
        {
            await sink.OnDataAsync("""{"object":"list","data":[{"embedding":[0.5]}],"usage":{"prompt_tokens":3}}"""u8.ToArray(), 0, cancel);
            return new(CallEnd.Completed, 200, 3, 0, "");
        }

        if (!call.Stream)
        {
            var text = string.Concat(words);
            await sink.OnDataAsync(
                Encoding.UTF8.GetBytes(
                    $$$"""{"id":"c1","object":"chat.completion","created":1,"model":"{{{call.Model}}}","extra":{"kept":true},"choices":[{"index":0,"message":{"role":"assistant","content":{{{JsonSerializer.Serialize(text)}}}},"finish_reason":"stop"}],"usage":{"prompt_tokens":{{{prompt}}},"completion_tokens":{{{words.Length}}},"total_tokens":{{{prompt + words.Length}}}}}"""),
                words.Length, cancel);
            return new(CallEnd.Completed, 200, prompt, words.Length, "");
        }

        await RoleAsync(call, sink);
        foreach (var word in words) await WordAsync(call, sink, word);
        await FinishAsync(call, sink, prompt, words.Length);
        return new(CallEnd.Completed, 200, prompt, words.Length, "");
    }

    /// <summary>Until it is cancelled.</summary>
    public static Task ForeverAsync(CancellationToken cancel) => new TaskCompletionSource().Task.WaitAsync(cancel);

    public static ValueTask RoleAsync(UpstreamCall call, IAnswerSink sink) =>
        ChunkAsync(call, sink, """{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}""", 0);

    public static ValueTask WordAsync(UpstreamCall call, IAnswerSink sink, string word) => ChunkAsync(
        call, sink,
        call.Api == UpstreamApi.Completions
            ? $$"""{"index":0,"text":{{JsonSerializer.Serialize(word)}},"finish_reason":null}"""
            : $$$"""{"index":0,"delta":{"content":{{{JsonSerializer.Serialize(word)}}}},"finish_reason":null}""",
        1);

    public static async ValueTask FinishAsync(UpstreamCall call, IAnswerSink sink, int prompt, int output)
    {
        await ChunkAsync(call, sink, """{"index":0,"delta":{},"finish_reason":"stop"}""", 0);
        await sink.OnDataAsync(
            Encoding.UTF8.GetBytes(
                $$$"""{"id":"{{{IdOf(call)}}}","object":"chat.completion.chunk","created":1,"model":"{{{call.Model}}}","choices":[],"usage":{"prompt_tokens":{{{prompt}}},"completion_tokens":{{{output}}},"total_tokens":{{{prompt + output}}}}}"""),
            0, default);
    }

    public static ValueTask ChunkAsync(UpstreamCall call, IAnswerSink sink, string choice, int tokens) =>
        sink.OnDataAsync(
            Encoding.UTF8.GetBytes(
                $$"""{"id":"{{IdOf(call)}}","object":"chat.completion.chunk","created":1,"model":"{{call.Model}}","choices":[{{choice}}]}"""),
            tokens, default);

    private static string IdOf(UpstreamCall call) => call.Resume is null ? "first" : "second";
}
