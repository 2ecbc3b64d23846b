using System.Buffers;
using System.Text.Json;
using Sluice.Upstreams;

namespace Sluice.Gateway;

/// <summary>What every event of one answer has in common, as raw JSON from its first event.</summary>
internal readonly record struct SpliceHead(byte[]? Id, byte[]? Created, byte[]? Model)
{
    public static SpliceHead Of(ReadOnlySpan<byte> json)
    {
        var head = default(SpliceHead);
        var reader = new Utf8JsonReader(json);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var (isId, isCreated) = (reader.ValueTextEquals("id"u8), reader.ValueTextEquals("created"u8));
            var isModel = reader.ValueTextEquals("model"u8);
            reader.Read();
            var start = (int)reader.TokenStartIndex;
            reader.Skip();
            if (!isId && !isCreated && !isModel) continue;
            var value = json[start..(int)reader.BytesConsumed].ToArray();
            head = isId ? head with { Id = value } : isCreated ? head with { Created = value } : head with { Model = value };
        }

        return head;
    }
}

/// <summary>Rewrites the events of an engine that goes on with an answer so that they look like those of the engine that
/// began it: one id, one role, usage over the whole.</summary>
internal sealed class ChunkSplicer(SpliceHead head)
{
    private readonly ArrayBufferWriter<byte> _buffer = new(512);

    /// <param name="tokensBefore">Output tokens of the engines before this one; its prompt held them.</param>
    /// <returns>The event to send, good until the next call; empty if it would tell the caller nothing new.</returns>
    public ReadOnlyMemory<byte> Splice(ReadOnlyMemory<byte> json, in AnswerScan scan, int tokensBefore)
    {
        if (!scan.HasText && !scan.HasOther && !scan.HasFinish && !scan.HasUsage) return default;
        using var document = JsonDocument.Parse(json);
        _buffer.ResetWrittenCount();
        using (var writer = new Utf8JsonWriter(_buffer, new() { SkipValidation = true }))
        {
            writer.WriteStartObject();
            foreach (var property in document.RootElement.EnumerateObject()) WriteProperty(writer, property, tokensBefore);
            writer.WriteEndObject();
        }

        return _buffer.WrittenMemory;
    }

    private void WriteProperty(Utf8JsonWriter writer, JsonProperty property, int tokensBefore)
    {
        var common = property.Name switch { "id" => head.Id, "created" => head.Created, "model" => head.Model, _ => null };
        if (common is not null)
        {
            writer.WritePropertyName(property.Name);
            writer.WriteRawValue(common, skipInputValidation: true);
        }
        else if (property.NameEquals("choices"u8) && property.Value.ValueKind == JsonValueKind.Array)
        {
            writer.WriteStartArray("choices"u8);
            foreach (var choice in property.Value.EnumerateArray()) WriteChoice(writer, choice);
            writer.WriteEndArray();
        }
        else if (property.NameEquals("usage"u8) && property.Value.ValueKind == JsonValueKind.Object)
        {
            WriteUsage(writer, property.Value, tokensBefore);
        }
        else
        {
            property.WriteTo(writer);
        }
    }

    private static void WriteChoice(Utf8JsonWriter writer, JsonElement choice)
    {
        if (choice.ValueKind != JsonValueKind.Object)
        {
            choice.WriteTo(writer);
            return;
        }

        writer.WriteStartObject();
        foreach (var property in choice.EnumerateObject())
        {
            if (!property.NameEquals("delta"u8) || property.Value.ValueKind != JsonValueKind.Object)
            {
                property.WriteTo(writer);
                continue;
            }

            writer.WriteStartObject("delta"u8);
            foreach (var part in property.Value.EnumerateObject())
                if (!part.NameEquals("role"u8)) part.WriteTo(writer);
            writer.WriteEndObject();
        }

        writer.WriteEndObject();
    }

    private static void WriteUsage(Utf8JsonWriter writer, JsonElement usage, int tokensBefore)
    {
        var prompt = Count(usage, "prompt_tokens"u8) - tokensBefore;
        var output = Count(usage, "completion_tokens"u8) + tokensBefore;
        writer.WriteStartObject("usage"u8);
        foreach (var property in usage.EnumerateObject())
        {
            if (property.NameEquals("prompt_tokens"u8)) writer.WriteNumber("prompt_tokens"u8, Math.Max(0, prompt));
            else if (property.NameEquals("completion_tokens"u8)) writer.WriteNumber("completion_tokens"u8, output);
            else if (property.NameEquals("total_tokens"u8)) writer.WriteNumber("total_tokens"u8, Math.Max(0, prompt) + output);
            else property.WriteTo(writer);
        }

        writer.WriteEndObject();
    }

    private static int Count(JsonElement usage, ReadOnlySpan<byte> name) =>
        usage.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var count)
            ? count
            : 0;
}
