using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Sluice.Upstreams;

namespace Sluice.Gateway;

/// <summary>One response while it is made: the object that callers see, and the events that lead to it.</summary>
/// <remarks>Its parts are added by the flow that runs it; who reads takes the lock.</remarks>
internal sealed class ResponseState : IWholeAnswer
{
    private readonly Lock _gate = new();
    private readonly ResponseRequest _request;
    private readonly List<JsonObject> _items = []; // of the output, by index
    private readonly Dictionary<int, int> _itemOfCall = []; // index of the tool call to that of the item
    private readonly Dictionary<int, StringBuilder> _growing = []; // text or arguments of an item, by its index, as far as not in it
    private readonly List<(string Type, string Json)> _events = [];
    private TaskCompletionSource? _more; // Whoever waits for more events waits for this; null while nobody does.
    private readonly bool _hasEvents;
    private int _message = -1; // index of the item that text goes to
    private string? _finish;
    private JsonObject? _usage;
    private JsonObject? _error;
    private bool _isOver;

    /// <param name="hasEvents">Somebody reads events; nobody may begin anew then.</param>
    public ResponseState(ResponseRequest request, string id, long createdAt, bool hasEvents)
    {
        (_request, Id, CreatedAt, _hasEvents) = (request, id, createdAt, hasEvents);
    }

    public string Id { get; }
    public long CreatedAt { get; }
    public string Status { get; private set; } = "queued";

    /// <summary>The tier that it is served as.</summary>
    public string ServiceTier { get; init; } = "default";

    public static string NewId() => $"resp_{Convert.ToHexStringLower(Guid.CreateVersion7().ToByteArray(bigEndian: true))}";
    public ResponseRequest Request => _request;

    /// <summary>Rough size in memory [bytes].</summary>
    public int Bytes { get; private set; } = 1024;

    public bool IsOver
    {
        get
        {
            lock (_gate) return _isOver;
        }
    }

    /// <summary>It was told of and waits.</summary>
    public void Queue()
    {
        lock (_gate)
        {
            Say("response.created", e => e["response"] = ToJson());
            Say("response.queued", e => e["response"] = ToJson());
        }
    }

    public ValueTask OnDataAsync(ReadOnlyMemory<byte> json, int tokens, CancellationToken cancel)
    {
        var chunk = JsonNode.Parse(json.Span) as JsonObject ?? throw new JsonException("an event is no JSON object");
        lock (_gate)
        {
            if (Status == "queued") Begin();
            if (chunk["usage"] is JsonObject usage) _usage = (JsonObject)usage.DeepClone();
            if (chunk["choices"] is JsonArray { Count: > 0 } choices && choices[0] is JsonObject choice) Take(choice);
        }

        return ValueTask.CompletedTask;
    }

    public void Reset()
    {
        lock (_gate)
        {
            _items.Clear();
            _itemOfCall.Clear();
            _growing.Clear();
            (_message, _finish, _usage) = (-1, null, null);
        }
    }

    /// <summary>The end, whatever it was.</summary>
    public void End(LiveOutcome outcome, ApiError? error)
    {
        lock (_gate)
        {
            if (_isOver) return;
            if (Status == "queued") Begin();
            Settle();
            foreach (var item in Enumerable.Range(0, _items.Count)) Close(item);
            Status = outcome.End switch
            {
                LiveEnd.Completed => _finish is "length" or "content_filter" ? "incomplete" : "completed",
                LiveEnd.Cancelled => "cancelled",
                _ => "failed",
            };
            if (outcome.IsCompleted) _usage ??= Counted(outcome);
            if (Status == "failed")
                _error = new() { ["code"] = error?.Code ?? "server_error", ["message"] = error?.Message ?? "It failed." };
            Say(Status == "cancelled" ? "response.failed" : $"response.{Status}", e => e["response"] = ToJson());
            _isOver = true;
            Tell();
        }
    }

    /// <summary>Events from a position on, as they come, until the last.</summary>
    public async IAsyncEnumerable<(string Type, string Json)> EventsAsync(
        int after, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel)
    {
        while (true)
        {
            List<(string, string)> some;
            Task more;
            lock (_gate)
            {
                some = _events[Math.Min(after, _events.Count)..];
                if (some.Count == 0 && _isOver) yield break;
                more = some.Count > 0 ? Task.CompletedTask : (_more ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
            }

            foreach (var e in some) yield return e;
            after += some.Count;
            await more.WaitAsync(cancel).ConfigureAwait(false);
        }
    }

    /// <summary>The messages of the conversation up to and with this answer.</summary>
    public JsonArray Conversation()
    {
        lock (_gate)
        {
            Settle();
            return Conversation(_request.Messages, _items);
        }
    }

    /// <param name="items">Of the answer's output.</param>
    internal static JsonArray Conversation(JsonArray before, IEnumerable<JsonObject> items)
    {
        var messages = (JsonArray)before.DeepClone();
        var answer = new JsonObject { ["role"] = "assistant", ["content"] = null };
        foreach (var item in items)
        {
            if (item["type"]!.GetValue<string>() == "message") answer["content"] = item["content"]![0]!["text"]!.DeepClone();
            else AddCall(answer, item);
        }

        messages.Add((JsonNode)answer);
        return messages;
    }

    /// <summary>The object that callers see.</summary>
    public JsonObject ToJson()
    {
        lock (_gate)
        {
            Settle();
            var body = _request.Body;
            return new JsonObject
            {
                ["id"] = Id, ["object"] = "response", ["created_at"] = CreatedAt, ["status"] = Status,
                ["background"] = _request.IsBackground, ["error"] = _error?.DeepClone(),
                ["incomplete_details"] = Status == "incomplete"
                    ? new JsonObject { ["reason"] = _finish == "length" ? "max_output_tokens" : "content_filter" }
                    : null,
                ["instructions"] = body["instructions"]?.DeepClone(), ["max_output_tokens"] = body["max_output_tokens"]?.DeepClone(),
                ["model"] = body["model"]!.DeepClone(), ["output"] = new JsonArray([.. _items.Select(i => i.DeepClone())]),
                ["parallel_tool_calls"] = body["parallel_tool_calls"]?.DeepClone() ?? true,
                ["previous_response_id"] = body["previous_response_id"]?.DeepClone(),
                ["reasoning"] = body["reasoning"]?.DeepClone() ?? new JsonObject { ["effort"] = null, ["summary"] = null },
                ["service_tier"] = ServiceTier, ["store"] = _request.IsStored, ["temperature"] = body["temperature"]?.DeepClone() ?? 1.0,
                ["text"] = body["text"]?.DeepClone() ?? new JsonObject { ["format"] = new JsonObject { ["type"] = "text" } },
                ["tool_choice"] = body["tool_choice"]?.DeepClone() ?? "auto", ["tools"] = body["tools"]?.DeepClone() ?? new JsonArray(),
                ["top_p"] = body["top_p"]?.DeepClone() ?? 1.0, ["truncation"] = body["truncation"]?.DeepClone() ?? "disabled",
                ["usage"] = Usage(), ["user"] = body["user"]?.DeepClone(), ["metadata"] = body["metadata"]?.DeepClone() ?? new JsonObject(),
            };
        }
    }

    private void Begin()
    {
        Status = "in_progress";
        if (_events.Count == 0) Say("response.created", e => e["response"] = ToJson());
        Say("response.in_progress", e => e["response"] = ToJson());
    }

    private void Take(JsonObject choice)
    {
        if (choice["finish_reason"] is { } finish) _finish = finish.GetValue<string>();
        if (choice["delta"] is not JsonObject delta) return;
        if (delta["content"] is JsonValue text && text.GetValueKind() == JsonValueKind.String &&
            text.GetValue<string>() is { Length: > 0 } piece)
        {
            AddText(piece);
        }

        if (delta["tool_calls"] is not JsonArray calls) return;
        foreach (var call in calls)
            if (call is JsonObject one) AddCallPiece(one);
    }

    private void AddText(string piece)
    {
        if (_message < 0)
        {
            _message = AddItem(new()
            {
                ["id"] = $"msg_{Id["resp_".Length..]}", ["type"] = "message", ["status"] = "in_progress", ["role"] = "assistant",
                ["content"] = new JsonArray(),
            });
            var part = new JsonObject
            {
                ["type"] = "output_text", ["text"] = "", ["annotations"] = new JsonArray(), ["logprobs"] = new JsonArray(),
            };
            ((JsonArray)_items[_message]["content"]!).Add((JsonNode)part);
            Say("response.content_part.added", e => Part(e, _message)["part"] = part.DeepClone());
        }

        Grow(_message, piece);
        Say("response.output_text.delta", e =>
        {
            Part(e, _message)["delta"] = piece;
            e["logprobs"] = new JsonArray();
        });
    }

    private void AddCallPiece(JsonObject call)
    {
        var index = call["index"]?.GetValue<int>() ?? 0;
        var function = call["function"] as JsonObject;
        if (!_itemOfCall.TryGetValue(index, out var at))
        {
            _itemOfCall[index] = at = AddItem(new()
            {
                ["id"] = $"fc_{Id["resp_".Length..]}_{index}", ["type"] = "function_call", ["status"] = "in_progress",
                ["call_id"] = call["id"]?.DeepClone() ?? $"call_{Id["resp_".Length..]}_{index}",
                ["name"] = function?["name"]?.DeepClone() ?? "",
                ["arguments"] = "",
            });
        }

        if (function?["arguments"]?.GetValue<string>() is not { Length: > 0 } piece) return;
        Grow(at, piece);
        Say("response.function_call_arguments.delta", e => Item(e, at)["delta"] = piece);
    }

    private void Grow(int at, string piece)
    {
        if (!_growing.TryGetValue(at, out var text)) _growing.Add(at, text = new());
        text.Append(piece);
        Bytes += piece.Length * 2;
    }

    /// <summary>Puts what has grown into the items, for somebody who looks at them.</summary>
    private void Settle()
    {
        foreach (var (at, text) in _growing)
        {
            var (owner, name) = at == _message ? (_items[at]["content"]![0]!.AsObject(), "text") : (_items[at], "arguments");
            owner[name] = owner[name]!.GetValue<string>() + text;
        }

        _growing.Clear();
    }

    private int AddItem(JsonObject item)
    {
        _items.Add(item);
        var at = _items.Count - 1;
        Say("response.output_item.added", e =>
        {
            e["output_index"] = at;
            e["item"] = item.DeepClone();
        });
        return at;
    }

    private void Close(int at)
    {
        var item = _items[at];
        item["status"] = "completed";
        if (at == _message)
        {
            var part = item["content"]![0]!;
            Say("response.output_text.done", e =>
            {
                Part(e, at)["text"] = part["text"]!.DeepClone();
                e["logprobs"] = new JsonArray();
            });
            Say("response.content_part.done", e => Part(e, at)["part"] = part.DeepClone());
        }
        else
        {
            Say("response.function_call_arguments.done", e => Item(e, at)["arguments"] = item["arguments"]!.DeepClone());
        }

        Say("response.output_item.done", e =>
        {
            e["output_index"] = at;
            e["item"] = item.DeepClone();
        });
    }

    private JsonObject Item(JsonObject e, int at)
    {
        (e["item_id"], e["output_index"]) = (_items[at]["id"]!.DeepClone(), at);
        return e;
    }

    private JsonObject Part(JsonObject e, int at)
    {
        Item(e, at)["content_index"] = 0;
        return e;
    }

    private void Say(string type, Action<JsonObject> fill)
    {
        if (!_hasEvents) return;
        var e = new JsonObject { ["type"] = type, ["sequence_number"] = _events.Count };
        fill(e);
        var json = e.ToJsonString();
        Bytes += json.Length * 2;
        _events.Add((type, json));
        Tell();
    }

    /// <summary>Everybody who waits for events, however many they are.</summary>
    private void Tell()
    {
        _more?.SetResult();
        _more = null;
    }

    private JsonObject? Usage()
    {
        if (_usage is null) return null;
        var (input, output) = (Count("prompt_tokens"), Count("completion_tokens"));
        return new()
        {
            ["input_tokens"] = input,
            ["input_tokens_details"] = new JsonObject { ["cached_tokens"] = Detail("prompt_tokens_details", "cached_tokens") },
            ["output_tokens"] = output,
            ["output_tokens_details"] = new JsonObject { ["reasoning_tokens"] = Detail("completion_tokens_details", "reasoning_tokens") },
            ["total_tokens"] = input + output,
        };

        int Count(string name) => _usage[name]?.GetValue<int>() ?? 0;
        int Detail(string group, string name) => (_usage[group] as JsonObject)?[name]?.GetValue<int>() ?? 0;
    }

    private static JsonObject Counted(LiveOutcome outcome) =>
        new() { ["prompt_tokens"] = outcome.PromptTokens, ["completion_tokens"] = outcome.OutputTokens };

    private static void AddCall(JsonObject answer, JsonObject item)
    {
        if (answer["tool_calls"] is not JsonArray calls) answer["tool_calls"] = calls = [];
        calls.Add((JsonNode)new JsonObject
        {
            ["id"] = item["call_id"]!.DeepClone(), ["type"] = "function",
            ["function"] = new JsonObject { ["name"] = item["name"]!.DeepClone(), ["arguments"] = item["arguments"]!.DeepClone() },
        });
    }
}
