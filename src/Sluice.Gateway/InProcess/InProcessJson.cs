using System.Buffers;
using System.Text.Json;
using Sluice.Engine;
using Sluice.Upstreams;

namespace Sluice.Gateway;

/// <summary>One output token as it is shown.</summary>
/// <param name="Text">Settled text, perhaps none.</param>
internal readonly record struct ShownToken(string Text, TokenChoice Choice);

/// <summary>Writes the answers of an engine in process in the shapes of the OpenAI API. What a method returns is good until the
/// next is called.</summary>
internal sealed class InProcessJson(UpstreamCall call, Tokenizer tokenizer, long createdSeconds)
{
    private readonly ArrayBufferWriter<byte> _buffer = new(1024);
    private readonly HashSet<int> _begun = [];
    private readonly Dictionary<int, int> _offsets = [];

    private bool IsChat => call.Api == UpstreamApi.ChatCompletions;

    /// <summary>A stream's event with a piece of one answer.</summary>
    public ReadOnlyMemory<byte> Piece(int index, string text, IReadOnlyList<ShownToken>? logprobs) => Write(json =>
    {
        Head(json, "chat.completion.chunk");
        BeginChoice(json, index);
        if (IsChat)
        {
            json.WriteStartObject("delta"u8);
            if (_begun.Add(index)) json.WriteString("role"u8, "assistant"u8);
            json.WriteString("content"u8, text);
            json.WriteEndObject();
        }
        else
        {
            json.WriteString("text"u8, text);
        }

        Logprobs(json, index, logprobs);
        EndChoice(json, null);
    });

    /// <summary>A stream's event that begins a tool call, with its name and no arguments yet.</summary>
    /// <param name="number">Of this answer's calls, from 0.</param>
    public ReadOnlyMemory<byte> CallBegin(int index, int number, FunctionCall toolCall) =>
        CallPiece(index, json => WriteCall(json, index, number, toolCall with { Arguments = "" }, isPiece: true));

    /// <summary>A stream's event with the arguments of a tool call that has begun.</summary>
    public ReadOnlyMemory<byte> CallArguments(int index, int number, FunctionCall toolCall) => CallPiece(index, json =>
    {
        json.WriteStartObject();
        json.WriteNumber("index"u8, number);
        json.WriteStartObject("function"u8);
        json.WriteString("arguments"u8, toolCall.Arguments);
        json.WriteEndObject();
        json.WriteEndObject();
    });

    private ReadOnlyMemory<byte> CallPiece(int index, Action<Utf8JsonWriter> write) => Write(json =>
    {
        Head(json, "chat.completion.chunk");
        BeginChoice(json, index);
        json.WriteStartObject("delta"u8);
        if (_begun.Add(index)) json.WriteString("role"u8, "assistant"u8);
        json.WriteStartArray("tool_calls"u8);
        write(json);
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteNull("logprobs"u8);
        EndChoice(json, null);
    });

    /// <summary>The event that ends one answer of a stream.</summary>
    public ReadOnlyMemory<byte> Last(int index, string finishReason) => Write(json =>
    {
        Head(json, "chat.completion.chunk");
        BeginChoice(json, index);
        if (IsChat)
        {
            json.WriteStartObject("delta"u8);
            json.WriteEndObject();
        }
        else
        {
            json.WriteString("text"u8, ""u8);
        }

        json.WriteNull("logprobs"u8);
        EndChoice(json, finishReason);
    });

    /// <summary>The event after the last answer, if the caller asked for it.</summary>
    public ReadOnlyMemory<byte> UsageEvent(int promptTokens, int cachedTokens, int outputTokens) => Write(json =>
    {
        Head(json, "chat.completion.chunk");
        json.WriteStartArray("choices"u8);
        json.WriteEndArray();
        Usage(json, promptTokens, cachedTokens, outputTokens);
    });

    /// <summary>All answers of a call that is not streamed.</summary>
    public ReadOnlyMemory<byte> Whole(
        IReadOnlyList<(string Text, IReadOnlyList<FunctionCall> Calls, string FinishReason, IReadOnlyList<ShownToken>? Logprobs)> answers,
        int promptTokens, int cachedTokens, int outputTokens) => Write(json =>
    {
        Head(json, "chat.completion");
        json.WriteStartArray("choices"u8);
        for (var i = 0; i < answers.Count; i++)
        {
            json.WriteStartObject();
            json.WriteNumber("index"u8, i);
            if (IsChat)
            {
                Message(json, i, answers[i].Text, answers[i].Calls);
            }
            else
            {
                json.WriteString("text"u8, answers[i].Text);
            }

            Logprobs(json, i, answers[i].Logprobs);
            json.WriteString("finish_reason"u8, answers[i].FinishReason);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        Usage(json, promptTokens, cachedTokens, outputTokens);
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
        json.WriteString("id"u8, (IsChat ? "chatcmpl-" : "cmpl-") + call.ExternalId);
        json.WriteString("object"u8, IsChat ? chatObject : "text_completion");
        json.WriteNumber("created"u8, createdSeconds);
        json.WriteString("model"u8, call.Model);
    }

    private void Message(Utf8JsonWriter json, int index, string text, IReadOnlyList<FunctionCall> calls)
    {
        json.WriteStartObject("message"u8);
        json.WriteString("role"u8, "assistant"u8);
        json.WriteString("content"u8, text.Length == 0 && calls.Count > 0 ? null : text);
        if (calls.Count > 0)
        {
            json.WriteStartArray("tool_calls"u8);
            for (var n = 0; n < calls.Count; n++) WriteCall(json, index, n, calls[n], isPiece: false);
            json.WriteEndArray();
        }

        json.WriteEndObject();
    }

    private void WriteCall(Utf8JsonWriter json, int index, int number, FunctionCall toolCall, bool isPiece)
    {
        json.WriteStartObject();
        if (isPiece) json.WriteNumber("index"u8, number);
        json.WriteString("id"u8, $"call_{call.ExternalId}_{index}_{number}");
        json.WriteString("type"u8, "function"u8);
        json.WriteStartObject("function"u8);
        json.WriteString("name"u8, toolCall.Name);
        json.WriteString("arguments"u8, toolCall.Arguments);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void BeginChoice(Utf8JsonWriter json, int index)
    {
        json.WriteStartArray("choices"u8);
        json.WriteStartObject();
        json.WriteNumber("index"u8, index);
    }

    private static void EndChoice(Utf8JsonWriter json, string? finishReason)
    {
        json.WriteString("finish_reason"u8, finishReason);
        json.WriteEndObject();
        json.WriteEndArray();
    }

    private static void Usage(Utf8JsonWriter json, int promptTokens, int cachedTokens, int outputTokens)
    {
        json.WriteStartObject("usage"u8);
        json.WriteNumber("prompt_tokens"u8, promptTokens);
        json.WriteNumber("completion_tokens"u8, outputTokens);
        json.WriteNumber("total_tokens"u8, promptTokens + outputTokens);
        json.WriteStartObject("prompt_tokens_details"u8);
        json.WriteNumber("cached_tokens"u8, cachedTokens);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private void Logprobs(Utf8JsonWriter json, int index, IReadOnlyList<ShownToken>? tokens)
    {
        if (tokens is null)
        {
            json.WriteNull("logprobs"u8);
            return;
        }

        json.WriteStartObject("logprobs"u8);
        if (IsChat) ChatLogprobs(json, tokens);
        else CompletionLogprobs(json, index, tokens);
        json.WriteEndObject();
    }

    private void ChatLogprobs(Utf8JsonWriter json, IReadOnlyList<ShownToken> tokens)
    {
        json.WriteStartArray("content"u8);
        foreach (var token in tokens)
        {
            json.WriteStartObject();
            Token(json, token.Choice.Token, token.Choice.Logprob);
            json.WriteStartArray("top_logprobs"u8);
            foreach (var (id, logprob) in token.Choice.Top ?? [])
            {
                json.WriteStartObject();
                Token(json, id, logprob);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private void Token(Utf8JsonWriter json, int id, float logprob)
    {
        json.WriteString("token"u8, tokenizer.Vocabulary.Text(id));
        json.WriteNumber("logprob"u8, Finite(logprob));
        json.WriteStartArray("bytes"u8);
        foreach (var b in tokenizer.Vocabulary.Bytes(id)) json.WriteNumberValue(b);
        json.WriteEndArray();
    }

    private void CompletionLogprobs(Utf8JsonWriter json, int index, IReadOnlyList<ShownToken> tokens)
    {
        json.WriteStartArray("tokens"u8);
        foreach (var token in tokens) json.WriteStringValue(tokenizer.Vocabulary.Text(token.Choice.Token));
        json.WriteEndArray();
        json.WriteStartArray("token_logprobs"u8);
        foreach (var token in tokens) json.WriteNumberValue(Finite(token.Choice.Logprob));
        json.WriteEndArray();
        json.WriteStartArray("top_logprobs"u8);
        foreach (var token in tokens)
        {
            json.WriteStartObject();
            var names = new HashSet<string>(StringComparer.Ordinal); // Two tokens may have one text.
            foreach (var (id, logprob) in token.Choice.Top ?? [])
                if (tokenizer.Vocabulary.Text(id) is var text && names.Add(text)) json.WriteNumber(text, Finite(logprob));
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("text_offset"u8);
        var offset = _offsets.GetValueOrDefault(index);
        foreach (var token in tokens)
        {
            json.WriteNumberValue(offset);
            offset += tokenizer.Vocabulary.Text(token.Choice.Token).Length;
        }

        _offsets[index] = offset;
        json.WriteEndArray();
    }

    /// <summary>JSON knows no infinity; OpenAI writes −9999 for what cannot be.</summary>
    private static float Finite(float logprob) => float.IsFinite(logprob) ? logprob : -9999;
}
