using System.Buffers;
using System.Buffers.Text;
using System.Runtime.InteropServices;
using System.Text.Json;
using Sluice.Core;

namespace Sluice.Upstreams;

/// <summary>Writes a demo engine's answers in the shapes of the OpenAI API. What a method returns is valid until the next is
/// called.</summary>
internal sealed class PacedJson(UpstreamApi api, string id, string model, long createdSeconds)
{
    private readonly ArrayBufferWriter<byte> _buffer = new(512);
    private bool _isFirst = true;

    private bool IsChat => api == UpstreamApi.ChatCompletions;

    /// <summary>A stream's event with a piece of the answer.</summary>
    public ReadOnlyMemory<byte> Piece(string text, string? tool) => Write(json =>
    {
        Head(json, "chat.completion.chunk");
        Choice(json, null, () =>
        {
            if (!IsChat)
            {
                json.WriteString("text"u8, text);
                return;
            }

            json.WriteStartObject("delta"u8);
            if (_isFirst) json.WriteString("role"u8, "assistant"u8);
            if (tool is null) json.WriteString("content"u8, text);
            else ToolCall(json, _isFirst ? tool : null, text, isStream: true);
            json.WriteEndObject();
        });
        _isFirst = false;
    });

    /// <summary>The event that ends a stream's answer.</summary>
    public ReadOnlyMemory<byte> Last(string finishReason) => Write(json =>
    {
        Head(json, "chat.completion.chunk");
        Choice(json, finishReason, () =>
        {
            if (!IsChat)
            {
                json.WriteString("text"u8, ""u8);
                return;
            }

            json.WriteStartObject("delta"u8);
            json.WriteEndObject();
        });
    });

    /// <summary>The event after it, if the caller asked for it.</summary>
    public ReadOnlyMemory<byte> UsageEvent(int promptTokens, int outputTokens) => Write(json =>
    {
        Head(json, "chat.completion.chunk");
        json.WriteStartArray("choices"u8);
        json.WriteEndArray();
        Usage(json, promptTokens, outputTokens);
    });

    /// <summary>An answer that is not streamed.</summary>
    public ReadOnlyMemory<byte> Whole(string text, string? tool, string finishReason, int promptTokens, int outputTokens) => Write(json =>
    {
        Head(json, "chat.completion");
        Choice(json, finishReason, () =>
        {
            if (!IsChat)
            {
                json.WriteString("text"u8, text);
                return;
            }

            json.WriteStartObject("message"u8);
            json.WriteString("role"u8, "assistant"u8);
            json.WriteString("content"u8, tool is null ? text : null);
            if (tool is not null) ToolCall(json, tool, text, isStream: false);
            json.WriteEndObject();
        });
        Usage(json, promptTokens, outputTokens);
    });

    /// <summary>Vectors of length one, the same for the same prompt.</summary>
    public ReadOnlyMemory<byte> Embeddings(PacedRequest request) => Write(json =>
    {
        json.WriteString("object"u8, "list"u8);
        json.WriteStartArray("data"u8);
        for (var i = 0; i < request.Inputs; i++)
        {
            json.WriteStartObject();
            json.WriteString("object"u8, "embedding"u8);
            json.WriteNumber("index"u8, i);
            json.WritePropertyName("embedding"u8);
            Vector(json, Numbers(request, i), request.IsBase64);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteString("model"u8, model);
        json.WriteStartObject("usage"u8);
        json.WriteNumber("prompt_tokens"u8, request.PromptTokens);
        json.WriteNumber("total_tokens"u8, request.PromptTokens);
        json.WriteEndObject();
    });

    private ReadOnlyMemory<byte> Write(Action<Utf8JsonWriter> write)
    {
        _buffer.ResetWrittenCount();
        using (var json = new Utf8JsonWriter(_buffer, PlainJson.Options))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }

        return _buffer.WrittenMemory;
    }

    private void Head(Utf8JsonWriter json, string chatObject)
    {
        json.WriteString("id"u8, (IsChat ? "chatcmpl-" : "cmpl-") + id);
        json.WriteString("object"u8, IsChat ? chatObject : "text_completion");
        json.WriteNumber("created"u8, createdSeconds);
        json.WriteString("model"u8, model);
    }

    private static void Choice(Utf8JsonWriter json, string? finishReason, Action content)
    {
        json.WriteStartArray("choices"u8);
        json.WriteStartObject();
        json.WriteNumber("index"u8, 0);
        content();
        json.WriteNull("logprobs"u8);
        json.WriteString("finish_reason"u8, finishReason);
        json.WriteEndObject();
        json.WriteEndArray();
    }

    /// <param name="json">Where to.</param>
    /// <param name="name">Null for all but the first piece of a stream.</param>
    /// <param name="arguments">Whole, or the next piece.</param>
    /// <param name="isStream">Pieces carry their position.</param>
    private void ToolCall(Utf8JsonWriter json, string? name, string arguments, bool isStream)
    {
        json.WriteStartArray("tool_calls"u8);
        json.WriteStartObject();
        if (isStream) json.WriteNumber("index"u8, 0);
        if (name is not null)
        {
            json.WriteString("id"u8, "call_" + id);
            json.WriteString("type"u8, "function"u8);
        }

        json.WriteStartObject("function"u8);
        if (name is not null) json.WriteString("name"u8, name);
        json.WriteString("arguments"u8, arguments);
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndArray();
    }

    private static void Usage(Utf8JsonWriter json, int promptTokens, int outputTokens)
    {
        json.WriteStartObject("usage"u8);
        json.WriteNumber("prompt_tokens"u8, promptTokens);
        json.WriteNumber("completion_tokens"u8, outputTokens);
        json.WriteNumber("total_tokens"u8, promptTokens + outputTokens);
        json.WriteEndObject();
    }

    private static float[] Numbers(PacedRequest request, int index)
    {
        var rng = new Rng(request.Seed + (ulong)index);
        var numbers = new float[request.Dimensions];
        var squares = 0.0;
        foreach (ref var number in numbers.AsSpan())
        {
            number = (float)(rng.NextDouble() - 0.5);
            squares += number * number;
        }

        foreach (ref var number in numbers.AsSpan()) number = (float)(number / Math.Sqrt(squares));
        return numbers;
    }

    private static void Vector(Utf8JsonWriter json, float[] numbers, bool isBase64)
    {
        if (isBase64)
        {
            json.WriteBase64StringValue(MemoryMarshal.AsBytes(numbers.AsSpan()));
            return;
        }

        json.WriteStartArray();
        foreach (var number in numbers) json.WriteNumberValue(number);
        json.WriteEndArray();
    }
}
