using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Unicode;
using Sluice.Upstreams;

namespace Sluice.Gateway;

/// <summary>Gathers a streamed answer into the one that the caller asked for, whatever number of engines it came from.</summary>
/// <remarks>Text, reasoning, refusals and tool calls are joined, log probabilities appended; fields that only some engines have
/// are taken from the first event that has them. Texts are joined and written as the engines escaped them.</remarks>
public sealed class GatheredAnswer : IWholeAnswer
{
    private static readonly string[] s_joined = ["content", "reasoning_content", "reasoning", "refusal", "text", "arguments"];

    private readonly SortedDictionary<int, JsonObject> _choices = [];
    private readonly Dictionary<(JsonObject, string), JsonText> _texts = [];
    private JsonObject _head = [];
    private JsonNode? _usage;
    private bool _isChat = true;
    private JsonText? _content; // Of the first choice, once it has some.

    public bool JoinsText => true;

    public ValueTask OnDataAsync(ReadOnlyMemory<byte> json, int tokens, CancellationToken cancel) =>
        AnswerScan.TryScan(json.Span, out var scan)
            ? OnEventAsync(json, scan, cancel)
            : throw new JsonException("an event is no JSON object");

    public ValueTask OnEventAsync(ReadOnlyMemory<byte> json, AnswerScan scan, CancellationToken cancel)
    {
        if (_content is not null && scan.IsPlainText)
        {
            _content.Append(scan.TextOf(json.Span));
            return ValueTask.CompletedTask;
        }

        if (JsonNode.Parse(json.Span) is not JsonObject chunk) throw new JsonException("an event is no JSON object");
        foreach (var (name, value) in PartsOf(chunk))
        {
            if (name == "usage") _usage = value ?? _usage;
            else if (name == "choices") AddChoices(value);
            else _head.TryAdd(name, value);
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
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            foreach (var (name, value) in _head)
            {
                writer.WritePropertyName(name);
                if (name == "object") writer.WriteStringValue(_isChat ? "chat.completion" : "text_completion");
                else Write(writer, value);
            }

            writer.WriteStartArray("choices"u8);
            foreach (var choice in _choices.Values) Write(writer, choice);
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

    private void Write(Utf8JsonWriter writer, JsonNode? node)
    {
        if (node is JsonObject owner)
        {
            writer.WriteStartObject();
            foreach (var (name, value) in owner)
            {
                writer.WritePropertyName(name);
                if (_texts.TryGetValue((owner, name), out var text)) writer.WriteRawValue(text.Quoted, skipInputValidation: true);
                else Write(writer, value);
            }

            writer.WriteEndObject();
        }
        else if (node is JsonArray list)
        {
            writer.WriteStartArray();
            foreach (var item in list) Write(writer, item);
            writer.WriteEndArray();
        }
        else if (node is null)
        {
            writer.WriteNullValue();
        }
        else
        {
            node.WriteTo(writer);
        }
    }

    /// <summary>What an event's object holds, free to be put elsewhere: the event itself is not looked at again.</summary>
    private static KeyValuePair<string, JsonNode?>[] PartsOf(JsonObject owner)
    {
        KeyValuePair<string, JsonNode?>[] parts = [.. owner];
        owner.Clear();
        return parts;
    }

    private void AddChoices(JsonNode? choices)
    {
        if (choices is not JsonArray list) return;
        foreach (var item in list)
        {
            if (item is not JsonObject choice) continue;
            var index = choice["index"]?.GetValue<int>() ?? 0;
            if (!_choices.TryGetValue(index, out var whole)) _choices.Add(index, whole = new() { ["index"] = index });
            foreach (var (name, value) in PartsOf(choice))
            {
                if (name == "delta") AddDelta(whole, value as JsonObject);
                else if (name == "text") AddText(whole, name, value);
                else if (name == "logprobs") AddLists(whole, name, value as JsonObject);
                else if (value is not null || !whole.ContainsKey(name)) whole[name] = value;
                if (name == "text") _isChat = false;
            }
        }
    }

    private void AddDelta(JsonObject choice, JsonObject? delta)
    {
        if (choice["message"] is not JsonObject message) choice["message"] = message = new() { ["role"] = "assistant", ["content"] = null };
        if (delta is null) return;
        foreach (var (name, value) in PartsOf(delta))
        {
            if (name == "tool_calls") AddToolCalls(message, value as JsonArray);
            else if (s_joined.Contains(name)) AddText(message, name, value);
            else if (value is not null) message[name] = value;
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
            foreach (var (name, value) in PartsOf(call))
            {
                if (name == "function" && value is JsonObject function)
                {
                    if (known["function"] is not JsonObject wholeFunction) known["function"] = wholeFunction = [];
                    foreach (var (key, part) in PartsOf(function))
                    {
                        if (s_joined.Contains(key)) AddText(wholeFunction, key, part);
                        else if (part is not null) wholeFunction[key] = part;
                    }
                }
                else if (name != "index" && value is not null)
                {
                    known[name] = value;
                }
            }
        }
    }

    private void AddText(JsonObject owner, string name, JsonNode? value)
    {
        if (value is null || value.GetValueKind() != JsonValueKind.String) return;
        if (!_texts.TryGetValue((owner, name), out var text)) _texts.Add((owner, name), text = new());
        if (!owner.ContainsKey(name)) owner[name] = ""; // Keeps its place among the fields.
        var quoted = JsonMarshal.GetRawUtf8Value(value.GetValue<JsonElement>());
        if (!Utf8.IsValid(quoted)) throw new JsonException("a text is not UTF-8");
        text.Append(quoted[1..^1]);
        if (text.Length == 0) return;
        if (_choices.TryGetValue(0, out var first) && (name == "content" ? owner == first["message"] : name == "text" && owner == first))
            _content = text;
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
            owner[name] = part;
            return;
        }

        foreach (var (key, value) in PartsOf(part))
        {
            if (value is JsonArray more && whole[key] is JsonArray known)
            {
                JsonNode?[] items = [.. more];
                more.Clear();
                foreach (var item in items) known.Add(item);
            }
            else if (value is not null)
            {
                whole[key] = value;
            }
        }
    }
}
