using System.Text.Json;
using System.Text.Unicode;

namespace Sluice.Upstreams;

/// <summary>What an event of a stream, or a whole answer, says, found in one reading without building anything.</summary>
public struct AnswerScan
{
    private bool _hasForeign; // Something beside text that a gathered answer has to keep.

    /// <summary>Output tokens in it: as many as it lists, else one for each choice that carries anything.</summary>
    public int Tokens { get; internal set; }

    /// <summary>Some choice gives the reason it ended.</summary>
    public bool HasFinish { get; private set; }

    /// <summary>The engine dropped the request (vLLM when it is put to sleep).</summary>
    public bool IsAborted { get; private set; }

    public bool HasChoices { get; private set; }
    public bool HasUsage { get; private set; }
    public int PromptTokens { get; private set; }
    public int OutputTokens { get; private set; }
    public bool HasError { get; private set; }

    /// <summary>Status the error gives as its code, 0 if none.</summary>
    public int ErrorStatus { get; private set; }

    /// <summary>Where the first text that is not empty stands, in the JSON string's own escapes; -1 if nowhere.</summary>
    public int TextAt { get; private set; }

    public int TextLength { get; internal set; }

    /// <summary>It carries something that cannot be continued from text: tool calls, reasoning, a second choice, text that is not
    /// UTF-8.</summary>
    public bool HasOther { get; private set; }

    public readonly bool HasText => TextAt >= 0;

    /// <summary>It carries nothing but usage.</summary>
    public readonly bool IsUsageOnly => HasUsage && !HasChoices;

    /// <summary>It says nothing but the next piece of the only choice's text, as nearly all do.</summary>
    public readonly bool IsPlainText => HasText && !_hasForeign && !HasOther && !HasFinish && !HasUsage && !HasError;

    /// <summary>Its text, in the JSON string's own escapes.</summary>
    public readonly ReadOnlySpan<byte> TextOf(ReadOnlySpan<byte> json) => HasText ? json.Slice(TextAt, TextLength) : default;

    /// <returns>False if it is no JSON object.</returns>
    public static bool TryScan(ReadOnlySpan<byte> json, out AnswerScan scan)
    {
        scan = new AnswerScan { TextAt = -1, PromptTokens = -1, OutputTokens = -1 };
        try
        {
            var reader = new Utf8JsonReader(json);
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) return false;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                if (reader.ValueTextEquals("choices"u8)) scan.Choices(ref reader);
                else if (reader.ValueTextEquals("usage"u8)) scan.Usage(ref reader);
                else if (reader.ValueTextEquals("error"u8)) scan.Error(ref reader);
                else scan.Field(ref reader);
            }

            return !reader.Read();
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return false;
        }
    }

    private void Choices(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            reader.Skip();
            return;
        }

        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            HasOther |= HasChoices; // A second one.
            HasChoices = true;
            if (reader.TokenType == JsonTokenType.StartObject) Tokens += Choice(ref reader);
            else reader.Skip();
        }
    }

    /// <summary>A field of the whole. Those of the first event stand for all.</summary>
    private void Field(ref Utf8JsonReader reader)
    {
        var isHead = reader.ValueTextEquals("id"u8) || reader.ValueTextEquals("object"u8) || reader.ValueTextEquals("created"u8)
            || reader.ValueTextEquals("model"u8) || reader.ValueTextEquals("system_fingerprint"u8);
        reader.Read();
        _hasForeign |= reader.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray
            || (!isHead && reader.TokenType != JsonTokenType.Null);
        reader.Skip();
    }

    private int Choice(ref Utf8JsonReader reader)
    {
        var (carries, listed) = (false, 0);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("delta"u8)) carries |= Delta(ref reader);
            else if (reader.ValueTextEquals("message"u8))
            {
                _hasForeign = true; // A piece has a delta.
                carries |= Delta(ref reader);
            }
            else if (reader.ValueTextEquals("text"u8)) carries |= Text(ref reader);
            else if (reader.ValueTextEquals("token_ids"u8)) listed = Math.Max(listed, CountItems(ref reader));
            else if (reader.ValueTextEquals("logprobs"u8)) listed = Math.Max(listed, LogProbabilities(ref reader));
            else if (reader.ValueTextEquals("finish_reason"u8))
            {
                reader.Read();
                HasFinish |= reader.TokenType == JsonTokenType.String;
                _hasForeign |= reader.TokenType != JsonTokenType.Null;
                IsAborted |= reader.TokenType == JsonTokenType.String && reader.ValueTextEquals("abort"u8);
                reader.Skip();
            }
            else if (reader.ValueTextEquals("index"u8))
            {
                HasOther |= Count(ref reader) != 0;
            }
            else
            {
                reader.Read();
                _hasForeign |= reader.TokenType != JsonTokenType.Null;
                reader.Skip();
            }
        }

        return Math.Max(listed, carries ? 1 : 0);
    }

    private bool Delta(ref Utf8JsonReader reader)
    {
        var carries = false;
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return false;
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("role"u8)) Pass(ref reader);
            else if (reader.ValueTextEquals("content"u8)) carries |= Text(ref reader);
            else carries |= Other(ref reader);
        }

        return carries;
    }

    private bool Text(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.String)
        {
            HasOther |= reader.TokenType != JsonTokenType.Null;
            reader.Skip();
            return false;
        }

        if (reader.ValueSpan.IsEmpty) return false;
        HasOther |= HasText || !Utf8.IsValid(reader.ValueSpan);
        if (!HasText) (TextAt, TextLength) = ((int)reader.TokenStartIndex + 1, reader.ValueSpan.Length);
        return true;
    }

    /// <summary>Reasoning, refusals, tool calls, whatever comes in a delta; engines send fields along that hold nothing.</summary>
    /// <returns>True if it counts as output.</returns>
    private bool Other(ref Utf8JsonReader reader)
    {
        reader.Read();
        _hasForeign |= reader.TokenType != JsonTokenType.Null;
        switch (reader.TokenType)
        {
            case JsonTokenType.String:
                HasOther |= !reader.ValueSpan.IsEmpty;
                return !reader.ValueSpan.IsEmpty;
            case JsonTokenType.StartArray or JsonTokenType.StartObject:
                var (start, isList) = (reader.TokenStartIndex, reader.TokenType == JsonTokenType.StartArray);
                reader.Skip();
                var isEmpty = reader.TokenStartIndex <= start + 1;
                HasOther |= !isList || !isEmpty;
                return !isEmpty;
            default:
                HasOther |= reader.TokenType != JsonTokenType.Null;
                return false;
        }
    }

    /// <summary>Chat lists <c>content</c>, completions list <c>tokens</c>.</summary>
    private int LogProbabilities(ref Utf8JsonReader reader)
    {
        reader.Read();
        _hasForeign |= reader.TokenType != JsonTokenType.Null;
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return 0;
        }

        var listed = 0;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("content"u8) || reader.ValueTextEquals("tokens"u8))
                listed = Math.Max(listed, CountItems(ref reader));
            else Pass(ref reader);
        }

        return listed;
    }

    private int CountItems(ref Utf8JsonReader reader)
    {
        reader.Read();
        _hasForeign |= reader.TokenType != JsonTokenType.Null;
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            reader.Skip();
            return 0;
        }

        var count = 0;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            count++;
            reader.Skip();
        }

        return count;
    }

    private void Usage(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return;
        }

        HasUsage = true;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("prompt_tokens"u8)) PromptTokens = Count(ref reader);
            else if (reader.ValueTextEquals("completion_tokens"u8)) OutputTokens = Count(ref reader);
            else Pass(ref reader);
        }
    }

    private void Error(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType is JsonTokenType.Null) return;
        HasError = true;
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return;
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("code"u8)) ErrorStatus = Math.Max(0, Count(ref reader));
            else Pass(ref reader);
        }
    }

    private static int Count(ref Utf8JsonReader reader)
    {
        reader.Read();
        var count = reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out var n) && n >= 0 ? n : -1;
        reader.Skip();
        return count;
    }

    private static void Pass(ref Utf8JsonReader reader)
    {
        reader.Read();
        reader.Skip();
    }
}
