using System.Globalization;
using Sluice.Core;
using Sluice.Testing;
using Sluice.Upstreams;

namespace Sluice.Gateway.Tests;

internal enum Mishap
{
    None,
    Error500,
    HangsUpAtOnce,
    HangsUpMidway,
    EndsTooEarly,
    Garbage,
    ErrorEvent,
    Stalls,
    Busy,
}

/// <summary>An engine on a real socket that counts words and suffers mishaps: calls go wrong in every way there is, and now
/// and then the whole server is gone and comes back.</summary>
/// <remarks>It speaks as llama.cpp's server does, and so goes on with an answer that another one began. All dice come from one
/// seed; which call gets which roll depends on timing.</remarks>
internal sealed class UnreliableEngine : IAsyncDisposable
{
    private readonly FakeServer _server = new();
    private readonly Lock _lock = new();
    private readonly int _mishapPercent;
    private readonly int _callsPerLife;
    private Rng _rng;
    private int _callsLeft;
    private int _questionsWhileDown;

    /// <param name="name">Of the engine.</param>
    /// <param name="seed">Of its mishaps.</param>
    /// <param name="mishapPercent">Of calls.</param>
    /// <param name="callsPerLife">Calls after which the server is gone for a while; 0 for never.</param>
    public UnreliableEngine(string name, ulong seed, int mishapPercent, int callsPerLife)
    {
        (_rng, _mishapPercent, _callsPerLife, _callsLeft) = (new Rng(seed), mishapPercent, callsPerLife, callsPerLife);
        Upstream = new HttpUpstream(new HttpUpstreamOptions { Name = name, Address = _server.Address }, TimeProvider.System);
        Map("GET /health", """{"status":"ok"}""");
        Map("GET /v1/models", """{"object":"list","data":[{"id":"m","object":"model","owned_by":"llamacpp"}]}""");
        Map("GET /props", """{"default_generation_settings":{"n_ctx":4096},"total_slots":4,"build_info":"b1"}""");
        Map("GET /slots", """[{"id":0,"n_ctx":4096,"is_processing":false}]""");
        _server.Map("POST /v1/chat/completions", ChatAsync);
    }

    public HttpUpstream Upstream { get; }

    /// <summary>How often each mishap happened.</summary>
    public Dictionary<Mishap, int> Mishaps { get; } = [];

    /// <summary>Times that the server was gone.</summary>
    public int Deaths { get; private set; }

    public static string Word(int i) => i == 0 ? "w0" : $" w{i.ToString(CultureInfo.InvariantCulture)}";

    public static string Words(int count) => string.Concat(Enumerable.Range(0, count).Select(Word));

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private void Map(string route, string json) => _server.Map(route, (_, reply) =>
    {
        if (!IsDown(asks: true)) return reply.JsonAsync(200, json);
        reply.HangUp();
        return Task.CompletedTask;
    });

    /// <summary>A dead server is back after it was asked three times in vain.</summary>
    private bool IsDown(bool asks)
    {
        lock (_lock)
        {
            if (_callsPerLife == 0 || _callsLeft > 0) return false;
            if (asks && ++_questionsWhileDown > 3) (_callsLeft, _questionsWhileDown) = (_callsPerLife, 0);
            return _callsLeft == 0;
        }
    }

    private (Mishap Mishap, int After) Roll(int tokens)
    {
        lock (_lock)
        {
            if (_callsPerLife > 0 && --_callsLeft == 0) Deaths++;
            var mishap = _rng.Next(100) < _mishapPercent ? (Mishap)(1 + _rng.Next((int)Mishap.Busy)) : Mishap.None;
            Mishaps[mishap] = Mishaps.GetValueOrDefault(mishap) + 1;
            return (mishap, _rng.Next(tokens + 1));
        }
    }

    private async Task ChatAsync(FakeRequest request, FakeReply reply)
    {
        if (IsDown(asks: false))
        {
            reply.HangUp();
            return;
        }

        var body = request.Json;
        var last = body["messages"]!.AsArray()[^1]!;
        var had = (string?)last["role"] == "assistant" ? ((string)last["content"]!).Split(' ').Length : 0;
        var end = had + (int)body["max_tokens"]!;
        var (mishap, after) = Roll(end - had);
        switch (mishap)
        {
            case Mishap.Error500:
                await reply.JsonAsync(500, """{"error":{"code":500,"message":"out of luck","type":"server_error"}}""");
                return;
            case Mishap.Busy:
                await reply.JsonAsync(503, """{"error":{"code":503,"message":"no slot","type":"unavailable_error"}}""", "Retry-After: 0\r\n");
                return;
            case Mishap.HangsUpAtOnce:
                reply.HangUp();
                return;
        }

        if ((bool?)body["stream"] != true)
        {
            if (mishap != Mishap.None) reply.HangUp();
            else
                await reply.JsonAsync(200, $$$"""
                    {"choices":[{"finish_reason":"length","index":0,"message":{"role":"assistant","content":"{{{Words(end)}}}"}}],"object":"chat.completion",
                    "model":"m","usage":{"completion_tokens":{{{end}}},"prompt_tokens":7,"total_tokens":{{{end + 7}}}}}
                    """);
            return;
        }

        await reply.StreamAsync();
        await EventAsync("""{"role":"assistant","content":null}""", "null");
        for (var i = had; i < end; i++)
        {
            if (mishap != Mishap.None && i - had == after)
            {
                await SufferAsync(mishap, reply);
                return;
            }

            await EventAsync($$"""{"content":"{{Word(i)}}"}""", "null");
        }

        if (mishap != Mishap.None)
        {
            await SufferAsync(mishap, reply);
            return;
        }

        await EventAsync("{}", "\"length\"");
        await reply.EventAsync($$$"""{"choices":[],"object":"chat.completion.chunk","model":"m","usage":{"completion_tokens":{{{end - had}}},"prompt_tokens":{{{7 + had}}}}}""");
        await reply.PieceAsync("data: [DONE]\n\n");

        Task EventAsync(string delta, string finish) => reply.EventAsync(
            $$$"""{"choices":[{"finish_reason":{{{finish}}},"index":0,"delta":{{{delta}}}}],"created":1,"id":"chatcmpl-x","model":"m","object":"chat.completion.chunk"}""");
    }

    private static async Task SufferAsync(Mishap mishap, FakeReply reply)
    {
        switch (mishap)
        {
            case Mishap.HangsUpMidway:
                reply.HangUp();
                break;
            case Mishap.Garbage:
                await reply.PieceAsync("data: {\"choices\":[{\"delta\":{\"cont\n\n");
                break;
            case Mishap.ErrorEvent:
                await reply.EventAsync("""{"error":{"code":500,"message":"device lost","type":"server_error"}}""");
                break;
            case Mishap.Stalls:
                await reply.GoneAsync(); // Nothing more, until it is hung up on.
                break;
        }
    }
}
