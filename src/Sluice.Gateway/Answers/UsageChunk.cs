using System.Buffers;
using System.Text.Json;
using Sluice.Upstreams;

namespace Sluice.Gateway;

/// <summary>The usage event at the end of a stream whose engine sent none.</summary>
internal static class UsageChunk
{
    public static ReadOnlySpan<byte> Of(LiveRequest live, LiveOutcome outcome)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("id"u8, live.Call.ExternalId);
            writer.WriteString("object"u8, live.Call.Api == UpstreamApi.ChatCompletions ? "chat.completion.chunk"u8 : "text_completion"u8);
            writer.WriteNumber("created"u8, TimeProvider.System.GetUtcNow().ToUnixTimeSeconds());
            writer.WriteString("model"u8, live.Call.Model);
            writer.WriteStartArray("choices"u8);
            writer.WriteEndArray();
            Write(writer, outcome);
            writer.WriteEndObject();
        }

        return buffer.WrittenSpan;
    }

    public static void Write(Utf8JsonWriter writer, LiveOutcome outcome)
    {
        writer.WriteStartObject("usage"u8);
        writer.WriteNumber("prompt_tokens"u8, outcome.PromptTokens);
        writer.WriteNumber("completion_tokens"u8, outcome.OutputTokens);
        writer.WriteNumber("total_tokens"u8, outcome.PromptTokens + outcome.OutputTokens);
        writer.WriteEndObject();
    }
}
