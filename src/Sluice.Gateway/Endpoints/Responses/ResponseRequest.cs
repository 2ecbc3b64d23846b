using System.Text.Json;
using System.Text.Json.Nodes;

namespace Sluice.Gateway;

/// <summary>A request of the Responses API, and the chat that it means.</summary>
/// <remarks>Fields that both APIs have, and fields that neither has, go into the chat as they are. Tools that run at OpenAI
/// have no counterpart here and are refused.</remarks>
internal sealed class ResponseRequest
{
    /// <summary>What the chat does not know, or knows by another name.</summary>
    private static readonly string[] s_own =
    [
        "input", "instructions", "background", "store", "previous_response_id", "include", "truncation", "text", "reasoning",
        "max_output_tokens", "conversation", "prompt", "stream", "stream_options", "tools", "tool_choice", "prompt_cache_key",
        "safety_identifier", "max_tool_calls",
    ];

    private ResponseRequest(JsonObject body) => Body = body;

    /// <summary>As it came.</summary>
    public JsonObject Body { get; }

    /// <summary>The chat's messages, those of earlier responses included.</summary>
    public JsonArray Messages { get; } = [];

    public bool IsStream => Flag("stream", byDefault: false);
    public bool IsBackground => Flag("background", byDefault: false);
    public bool IsStored => Flag("store", byDefault: true);
    public string? Previous => Text("previous_response_id");

    /// <summary>Of service; what the caller named, or else whatever the request turns out to be.</summary>
    public string Tier => Text("service_tier") ?? "auto";

    /// <summary>One that was read before, from what was kept of it.</summary>
    public static ResponseRequest Again(JsonObject body, JsonArray messages)
    {
        var request = new ResponseRequest((JsonObject)body.DeepClone());
        foreach (var message in messages) request.Messages.Add(message?.DeepClone());
        return request;
    }

    /// <summary>The response that a body goes on from; null if there is none, or the body cannot be read.</summary>
    public static string? PreviousOf(ReadOnlyMemory<byte> body)
    {
        try
        {
            using var json = JsonDocument.Parse(body);
            return json.RootElement.TryGetProperty("previous_response_id", out var id) ? id.GetString() : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <returns>Null with the reason when it cannot be understood.</returns>
    public static ResponseRequest? Read(ReadOnlyMemory<byte> body, Func<string, JsonArray?> messagesOf, out ApiError? problem)
    {
        problem = null;
        try
        {
            if (JsonNode.Parse(body.Span, documentOptions: new() { MaxDepth = 256 }) is not JsonObject json)
            {
                problem = ApiError.BadRequest("The body must be a JSON object.");
                return null;
            }

            var request = new ResponseRequest(json);
            problem = request.Translate(messagesOf);
            return problem is null ? request : null;
        }
        catch (JsonException e)
        {
            problem = ApiError.BadRequest(
                $"The body is not valid JSON: line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1}.", code: "invalid_json");
        }
        catch (Exception e) when (e is InvalidOperationException or FormatException or ArgumentException)
        {
            // A value of another kind than the field has, or a name that stands there twice.
            problem = ApiError.BadRequest(
                "A field of the body has a value of the wrong kind, or stands there twice.", code: "invalid_type");
        }

        return null;
    }

    /// <summary>The body for the engine, UTF-8.</summary>
    public byte[] ToChat()
    {
        var chat = new JsonObject();
        foreach (var (name, value) in Body)
            if (!s_own.Contains(name)) chat[name] = value?.DeepClone();
        chat["messages"] = Messages.DeepClone();
        chat["stream"] = true;
        chat["stream_options"] = new JsonObject { ["include_usage"] = true };
        if (Body["max_output_tokens"] is { } most) chat["max_tokens"] = most.DeepClone();
        if (Body["reasoning"] is JsonObject reasoning && reasoning["effort"] is { } effort) chat["reasoning_effort"] = effort.DeepClone();
        if (Body["text"] is JsonObject text && text["format"] is JsonObject format && Format(format) is { } constrained)
            chat["response_format"] = constrained;
        if (Body["tools"] is JsonArray { Count: > 0 } tools) chat["tools"] = new JsonArray([.. tools.Select(Tool)]);
        if (Body["tool_choice"] is { } choice) chat["tool_choice"] = Choice(choice);
        return JsonSerializer.SerializeToUtf8Bytes<JsonNode>(chat);
    }

    private ApiError? Translate(Func<string, JsonArray?> messagesOf)
    {
        if (Text("model") is null) return ApiError.BadRequest("'model' is missing; GET /v1/models lists the models.", "model", "missing");
        if (IsBackground && !IsStored) return ApiError.BadRequest("'background' needs 'store': its answer is fetched later.", "store");
        if (Body["tools"] is JsonArray tools)
            foreach (var tool in tools)
                if (tool?["type"]?.GetValue<string>() is var type && type != "function")
                    return ApiError.BadRequest(
                        $"Tools of type '{type}' run at OpenAI; only 'function' is known here.", "tools", "unsupported_tool");

        if (Previous is { } id)
        {
            if (messagesOf(id) is not { } before)
                return ApiError.NotFound($"There is no response '{id}'.", "previous_response_not_found", "previous_response_id");
            foreach (var message in before) Messages.Add(message?.DeepClone());
        }

        if (Text("instructions") is { } instructions)
            Messages.Insert(0, new JsonObject { ["role"] = "system", ["content"] = instructions });
        switch (Body["input"])
        {
            case JsonValue value when value.GetValueKind() == JsonValueKind.String:
                Messages.Add(new JsonObject { ["role"] = "user", ["content"] = value.GetValue<string>() });
                return null;
            case JsonArray items:
                foreach (var item in items)
                    if (AddItem(item as JsonObject) is { } wrong) return wrong;
                return null;
            default:
                return ApiError.BadRequest("'input' must be a string or a list of items.", "input", "invalid_type");
        }
    }

    private ApiError? AddItem(JsonObject? item)
    {
        if (item is null) return ApiError.BadRequest("Every item of 'input' must be an object.", "input", "invalid_type");
        switch (item["type"]?.GetValue<string>() ?? "message")
        {
            case "message":
                var role = item["role"]?.GetValue<string>() ?? "user";
                Messages.Add(new JsonObject { ["role"] = role == "developer" ? "system" : role, ["content"] = Content(item["content"]) });
                return null;
            case "function_call":
                var call = new JsonObject
                {
                    ["id"] = item["call_id"]?.DeepClone(), ["type"] = "function",
                    ["function"] = new JsonObject { ["name"] = item["name"]?.DeepClone(), ["arguments"] = item["arguments"]?.DeepClone() },
                };
                if (Messages.LastOrDefault() is JsonObject last && last["tool_calls"] is JsonArray calls) calls.Add((JsonNode)call);
                else Messages.Add(new JsonObject { ["role"] = "assistant", ["content"] = null, ["tool_calls"] = new JsonArray(call) });
                return null;
            case "function_call_output":
                Messages.Add(new JsonObject
                {
                    ["role"] = "tool", ["tool_call_id"] = item["call_id"]?.DeepClone(), ["content"] = Content(item["output"]),
                });
                return null;
            case "reasoning":
                return null; // What a model thought is not said to it again.
            case var other:
                return ApiError.BadRequest($"Items of type '{other}' are not known here.", "input", "unsupported_item");
        }
    }

    private static JsonNode? Content(JsonNode? content)
    {
        if (content is not JsonArray parts) return content?.DeepClone();
        var translated = new JsonArray();
        foreach (var part in parts)
        {
            switch (part?["type"]?.GetValue<string>())
            {
                case "input_text" or "output_text" or "text":
                    translated.Add((JsonNode)new JsonObject { ["type"] = "text", ["text"] = part["text"]?.DeepClone() });
                    break;
                case "input_image":
                    var image = new JsonObject { ["url"] = part["image_url"]?.DeepClone() };
                    if (part["detail"] is { } detail) image["detail"] = detail.DeepClone();
                    translated.Add((JsonNode)new JsonObject { ["type"] = "image_url", ["image_url"] = image });
                    break;
                default:
                    translated.Add(part?.DeepClone());
                    break;
            }
        }

        // One piece of text is what every engine's template understands.
        return translated is [JsonObject only] && only["type"]!.GetValue<string>() == "text" ? only["text"]?.DeepClone() : translated;
    }

    private static JsonNode? Tool(JsonNode? tool)
    {
        var function = new JsonObject();
        foreach (var (name, value) in tool!.AsObject())
            if (name != "type") function[name] = value?.DeepClone();
        return new JsonObject { ["type"] = "function", ["function"] = function };
    }

    private static JsonNode? Choice(JsonNode choice) => choice is JsonObject named && named["name"] is { } name
        ? new JsonObject { ["type"] = "function", ["function"] = new JsonObject { ["name"] = name.DeepClone() } }
        : choice.DeepClone();

    private static JsonObject? Format(JsonObject format)
    {
        if (format["type"]?.GetValue<string>() is not ("json_schema" or "json_object")) return null;
        if (format["type"]!.GetValue<string>() == "json_object") return new() { ["type"] = "json_object" };
        var schema = new JsonObject();
        foreach (var (name, value) in format)
            if (name != "type") schema[name] = value?.DeepClone();
        return new() { ["type"] = "json_schema", ["json_schema"] = schema };
    }

    private bool Flag(string name, bool byDefault) => Body[name] is { } value ? value.GetValue<bool>() : byDefault;

    private string? Text(string name) => Body[name]?.GetValue<string>();
}
