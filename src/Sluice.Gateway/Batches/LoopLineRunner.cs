using System.Text.Json;
using System.Text.Json.Nodes;
using Sluice.Core;
using Sluice.Upstreams;

namespace Sluice.Gateway;

/// <summary>Lines become calls of the class 'batch', with the end of the window as the deadline of their whole
/// answer.</summary>
internal sealed class LoopLineRunner(GatewayServices gateway, Func<string, Caller> callerOf) : ILineRunner
{
    /// <summary>Lines of it run as the chats that they mean.</summary>
    private const string Responses = "/v1/responses";

    private static readonly Dictionary<string, UpstreamApi> s_apis = new(StringComparer.Ordinal)
    {
        ["/v1/chat/completions"] = UpstreamApi.ChatCompletions,
        ["/v1/completions"] = UpstreamApi.Completions,
        ["/v1/embeddings"] = UpstreamApi.Embeddings,
        [Responses] = UpstreamApi.ChatCompletions,
    };

    private static readonly HeaderDictionary s_batchClass = new() { ["x-sluice-class"] = SloClasses.Batch };

    public IReadOnlyList<string> Endpoints { get; } = [.. s_apis.Keys];

    public bool Knows(string model) => gateway.Loop.Models.Names.Count == 0 || gateway.Loop.Models.TryResolve(model, out _, out _);

    public async Task<LineAnswer> RunAsync(LineWork work, CancellationToken cancel)
    {
        var caller = callerOf(work.Tenant);
        var (asked, response) = (work.Body, default(ResponseRequest));
        if (work.Endpoint == Responses)
        {
            response = ResponseRequest.Read(work.Body, static _ => null, out var unreadable);
            if (response is null) return Refused(unreadable!);
            asked = response.ToChat();
        }

        if (!BodyFacts.TryRead(asked.Span, out var facts, out var problem)) return Refused(problem!);
        if (gateway.Describe(
            s_apis[work.Endpoint], asked, in facts, s_batchClass, caller with { Classes = null }, work.RequestId, out var call,
            out _) is { } wrong)
        {
            return wrong.Status == 404 ? new(LineEnd.NotNow, wrong.Status, wrong.ToJson()) : Refused(wrong);
        }

        var left = work.Deadline - gateway.Loop.Time.GetUtcNow();
        call = call! with
        {
            Slo = new(TimeSpan.MaxValue, TimeSpan.MaxValue, left > TimeSpan.Zero ? left : TimeSpan.FromSeconds(1)),
            Refuses = false, QueueMax = TimeSpan.MaxValue,
        };
        var live = gateway.Loop.Create(call);
        LiveOutcome outcome;
        ReadOnlyMemory<byte> body;
        if (response is not null)
        {
            var answer = new ResponseState(
                response, ResponseState.NewId(), gateway.Loop.Time.GetUtcNow().ToUnixTimeSeconds(), hasEvents: false)
            {
                ServiceTier = "flex",
            };
            outcome = await live.RunAsync(answer, cancel);
            if (outcome.IsCompleted) answer.End(outcome, null);
            body = outcome.IsCompleted ? JsonSerializer.SerializeToUtf8Bytes<JsonNode>(answer.ToJson()) : default;
        }
        else if (call.Stream)
        {
            var answer = new GatheredAnswer();
            outcome = await live.RunAsync(answer, cancel);
            body = outcome.IsCompleted ? answer.ToJson(outcome) : default;
        }
        else
        {
            var answer = new KeptAnswer();
            outcome = await live.RunAsync(answer, cancel);
            body = answer.Json;
        }

        gateway.Callers.Ended(caller, outcome);
        if (!outcome.IsCompleted) return Failed(live, outcome);
        if (outcome.Call.PromptTokens > 0) gateway.Tokens.Learn(call.Model, facts.PromptBytes, outcome.PromptTokens);
        return new(LineEnd.Answered, outcome.Call.Status is >= 200 and < 300 ? outcome.Call.Status : 200, body);
    }

    private static LineAnswer Refused(ApiError error) => new(LineEnd.Refused, error.Status, error.ToJson());

    private static LineAnswer Failed(LiveRequest live, LiveOutcome outcome)
    {
        var end = outcome.End switch
        {
            LiveEnd.Refused => LineEnd.Refused,
            LiveEnd.Broken => LineEnd.Broken,
            LiveEnd.Cancelled or LiveEnd.Stopping => LineEnd.Stopped,
            LiveEnd.Rejected or LiveEnd.Expired or LiveEnd.NoEngine or LiveEnd.ModelFailed => LineEnd.NotNow,
            _ => throw new InvariantException($"unmapped {outcome.End}"),
        };
        var error = LiveErrors.Of(live, outcome);
        return new(end, error.Status, error.ToJson());
    }

    /// <summary>Keeps an answer that comes in one piece.</summary>
    private sealed class KeptAnswer : IWholeAnswer
    {
        public ReadOnlyMemory<byte> Json { get; private set; }

        public ValueTask OnDataAsync(ReadOnlyMemory<byte> json, int tokens, CancellationToken cancel)
        {
            Json = json.ToArray();
            return ValueTask.CompletedTask;
        }

        public void Reset() => Json = default;
    }
}
