using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Sluice.Gateway;

/// <summary>Gathers a streamed answer into the one that the caller asked for, whatever number of engines it came from.</summary>
/// <remarks>Text, reasoning, refusals and tool calls are joined, log probabilities appended; fields that only some engines have
/// are taken from the first event that has them.</remarks>
public sealed class GatheredAnswer : IWholeAnswer
{
    private static readonly string[] s_joined = ["content", "reasoning_content", "reasoning", "refusal", "text", "arguments"];

    private readonly SortedDictionary<int, JsonObject> _choices = [];
    private readonly Dictionary<(JsonObject, string), StringBuilder> _texts = [];
    private JsonObject _head = [];
    private JsonNode? _usage;
    private bool _isChat = true;
    private StringBuilder? _content; // Of the first choice, once it has some.

    public ValueTask OnDataAsync(ReadOnlyMemory<byte> json, int tokens, CancellationToken cancel)
    {
        if (_content is not null && PlainPiece.TryAppend(json.Span, _content)) return ValueTask.CompletedTask;
        if (JsonNode.Parse(json.Span) is not JsonObject chunk) throw new JsonException("an event is no JSON object");
        foreach (var (name, value) in chunk)
        {
            if (name == "usage") _usage = value?.DeepClone() ?? _usage;
            else if (name == "choices") AddChoices(value);
            else if (!_head.ContainsKey(name)) _head[name] = value?.DeepClone();
        }

        return ValueTask.CompletedTask;
    }

    public void Reset()
    {
        _choices.Clear();
        _texts.Clear();
        (_head, _usage, _content) = ([], null, null);
    }

    /// <summary>The whole answer, UTF-8.</summary>
    public ReadOnlyMemory<byte> ToJson(LiveOutcome outcome)
    {
        foreach (var ((owner, name), text) in _texts) owner[name] = text.ToString();
        _texts.Clear();
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            foreach (var (name, value) in _head)
            {
                writer.WritePropertyName(name);
                if (name == "object") writer.WriteStringValue(_isChat ? "chat.completion" : "text_completion");
                else if (value is null) writer.WriteNullValue();
                else value.WriteTo(writer);
            }

            writer.WriteStartArray("choices"u8);
            foreach (var choice in _choices.Values) choice.WriteTo(writer);
            writer.WriteEndArray();
            if (_usage is null)
            {
                UsageChunk.Write(writer, outcome);
            }
            else
            {
                writer.WritePropertyName("usage"u8);
                _usage.WriteTo(writer);
            }

            writer.WriteEndObject();
        }

        return buffer.WrittenMemory;
    }

    private void AddChoices(JsonNode? choices)
    {
        if (choices is not JsonArray list) return;
        foreach (var item in list)
        {
            if (item is not JsonObject choice) continue;
            var index = choice["index"]?.GetValue<int>() ?? 0;
            if (!_choices.TryGetValue(index, out var whole)) _choices.Add(index, whole = new() { ["index"] = index });
            foreach (var (name, value) in choice)
            {
                if (name == "delta") AddDelta(whole, value as JsonObject);
                else if (name == "text") AddText(whole, name, value);
                else if (name == "logprobs") AddLists(whole, name, value as JsonObject);
                else if (value is not null || !whole.ContainsKey(name)) whole[name] = value?.DeepClone();
                if (name == "text") _isChat = false;
            }
        }
    }

    private void AddDelta(JsonObject choice, JsonObject? delta)
    {
        if (choice["message"] is not JsonObject message) choice["message"] = message = new() { ["role"] = "assistant", ["content"] = null };
        if (delta is null) return;
        foreach (var (name, value) in delta)
        {
            if (name == "tool_calls") AddToolCalls(message, value as JsonArray);
            else if (s_joined.Contains(name)) AddText(message, name, value);
            else if (value is not null) message[name] = value.DeepClone();
        }
    }

    private void AddToolCalls(JsonObject message, JsonArray? calls)
    {
        if (calls is null) return;
        if (message["tool_calls"] is not JsonArray whole) message["tool_calls"] = whole = [];
        foreach (var item in calls)
        {
            if (item is not JsonObject call) continue;
            var index = Math.Clamp(call["index"]?.GetValue<int>() ?? 0, 0, 1023);
            while (whole.Count <= index) whole.Add(new JsonObject());
            var known = (JsonObject)whole[index]!;
            foreach (var (name, value) in call)
            {
                if (name == "function" && value is JsonObject function)
                {
                    if (known["function"] is not JsonObject wholeFunction) known["function"] = wholeFunction = [];
                    foreach (var (key, part) in function)
                    {
                        if (s_joined.Contains(key)) AddText(wholeFunction, key, part);
                        else if (part is not null) wholeFunction[key] = part.DeepClone();
                    }
                }
                else if (name != "index" && value is not null)
                {
                    known[name] = value.DeepClone();
                }
            }
        }
    }

    private void AddText(JsonObject owner, string name, JsonNode? value)
    {
        if (value is null || value.GetValueKind() != JsonValueKind.String) return;
        if (!_texts.TryGetValue((owner, name), out var text)) _texts.Add((owner, name), text = new());
        if (!owner.ContainsKey(name)) owner[name] = ""; // Keeps its place among the fields.
        text.Append(value.GetValue<string>());
        if (name == "content" && _choices.TryGetValue(0, out var first) && owner == first["message"]) _content = text;
    }

    /// <summary>Lists inside are appended, the rest is kept.</summary>
    private static void AddLists(JsonObject owner, string name, JsonObject? part)
    {
        if (part is null)
        {
            if (!owner.ContainsKey(name)) owner[name] = null;
            return;
        }

        if (owner[name] is not JsonObject whole)
        {
            owner[name] = part.DeepClone();
            return;
        }

        foreach (var (key, value) in part)
        {
            if (value is JsonArray more && whole[key] is JsonArray known)
                foreach (var item in more) known.Add(item?.DeepClone());
            else if (value is not null)
                whole[key] = value.DeepClone();
        }
    }
}
