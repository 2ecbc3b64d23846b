using System.Buffers;
using System.Text.Json;
using Sluice.Storage;
using Sluice.Upstreams;

namespace Sluice.Gateway;

/// <summary>Lines of output and error files.</summary>
internal static class OutputLine
{
    /// <summary>The line of an answer, whatever its status.</summary>
    public static byte[] Of(string customId, string requestId, LineAnswer answer)
    {
        var buffer = new ArrayBufferWriter<byte>(answer.Body.Length + 256);
        using (var json = new Utf8JsonWriter(buffer, PlainJson.Options))
        {
            Begin(json, customId);
            json.WriteStartObject("response"u8);
            json.WriteNumber("status_code"u8, answer.Status);
            json.WriteString("request_id"u8, requestId);
            json.WritePropertyName("body"u8);
            WriteBody(json, answer.Body);
            json.WriteEndObject();
            json.WriteNull("error"u8);
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>The line of a request that was never answered.</summary>
    public static byte[] Unanswered(string customId, string code, string message)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var json = new Utf8JsonWriter(buffer, PlainJson.Options))
        {
            Begin(json, customId);
            json.WriteNull("response"u8);
            json.WriteStartObject("error"u8);
            json.WriteString("code"u8, code);
            json.WriteString("message"u8, message);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>What an answer reports of its tokens; zeros if it does not.</summary>
    public static TokenUsage UsageOf(ReadOnlyMemory<byte> body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("usage", out var usage) ||
                usage.ValueKind != JsonValueKind.Object) return default;
            return new(
                Number(usage, "prompt_tokens") + Number(usage, "input_tokens"),
                Detail(usage, "prompt_tokens_details", "cached_tokens") + Detail(usage, "input_tokens_details", "cached_tokens"),
                Number(usage, "completion_tokens") + Number(usage, "output_tokens"),
                Detail(usage, "completion_tokens_details", "reasoning_tokens")
                    + Detail(usage, "output_tokens_details", "reasoning_tokens"));
        }
        catch (JsonException)
        {
            return default;
        }
    }

    private static void Begin(Utf8JsonWriter json, string customId)
    {
        json.WriteStartObject();
        json.WriteString("id"u8, "batch_req_" + Ids.Random());
        json.WriteString("custom_id"u8, customId);
    }

    /// <summary>Written anew, so that the line is one line whatever the engine's JSON looks like; text that is no JSON becomes a
    /// string.</summary>
    private static void WriteBody(Utf8JsonWriter json, ReadOnlyMemory<byte> body)
    {
        JsonDocument? document = null;
        try
        {
            document = JsonDocument.Parse(body, new() { MaxDepth = 512 });
        }
        catch (JsonException)
        {
            // Not ours to repair.
        }

        using (document)
        {
            if (document is null) json.WriteStringValue(System.Text.Encoding.UTF8.GetString(body.Span));
            else document.RootElement.WriteTo(json);
        }
    }

    private static long Number(JsonElement owner, string name) =>
        owner.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number
        && value.TryGetInt64(out var number) && number > 0
            ? number
            : 0;

    private static long Detail(JsonElement usage, string details, string name) =>
        usage.TryGetProperty(details, out var value) && value.ValueKind == JsonValueKind.Object ? Number(value, name) : 0;
}
