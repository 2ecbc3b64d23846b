using System.Text.Json;

namespace Sluice.Upstreams;

/// <summary>What an event of a stream, or a whole answer, says besides its text.</summary>
internal struct AnswerScan
{
    /// <summary>Output tokens in it: as many as it lists, else one for each choice that carries anything.</summary>
    public int Tokens { get; private set; }

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

    public int TextLength { get; private set; }

    /// <summary>It carries nothing but usage.</summary>
    public readonly bool IsUsageOnly => HasUsage && !HasChoices;

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
                else Pass(ref reader);
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
            HasChoices = true;
            if (reader.TokenType == JsonTokenType.StartObject) Tokens += Choice(ref reader);
            else reader.Skip();
        }
    }

    private int Choice(ref Utf8JsonReader reader)
    {
        var (carries, listed) = (false, 0);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("delta"u8) || reader.ValueTextEquals("message"u8)) carries |= Delta(ref reader);
            else if (reader.ValueTextEquals("text"u8)) carries |= Text(ref reader);
            else if (reader.ValueTextEquals("token_ids"u8)) listed = Math.Max(listed, CountItems(ref reader));
            else if (reader.ValueTextEquals("logprobs"u8)) listed = Math.Max(listed, LogProbabilities(ref reader));
            else if (reader.ValueTextEquals("finish_reason"u8))
            {
                reader.Read();
                HasFinish |= reader.TokenType == JsonTokenType.String;
                IsAborted |= reader.TokenType == JsonTokenType.String && reader.ValueTextEquals("abort"u8);
                reader.Skip();
            }
            else Pass(ref reader);
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
            else carries |= IsNotEmpty(ref reader); // reasoning, refusals, tool calls, whatever comes
        }

        return carries;
    }

    private bool Text(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.String) reader.Skip();
        else if (reader.ValueSpan.Length > 0)
        {
            if (TextAt < 0) (TextAt, TextLength) = ((int)reader.TokenStartIndex + 1, reader.ValueSpan.Length);
            return true;
        }

        return false;
    }

    private static bool IsNotEmpty(ref Utf8JsonReader reader)
    {
        reader.Read();
        switch (reader.TokenType)
        {
            case JsonTokenType.String:
                return reader.ValueSpan.Length > 0;
            case JsonTokenType.StartArray or JsonTokenType.StartObject:
                var start = reader.TokenStartIndex;
                reader.Skip();
                return reader.TokenStartIndex > start + 1;
            default:
                return false;
        }
    }

    /// <summary>Chat lists <c>content</c>, completions list <c>tokens</c>.</summary>
    private static int LogProbabilities(ref Utf8JsonReader reader)
    {
        reader.Read();
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

    private static int CountItems(ref Utf8JsonReader reader)
    {
        reader.Read();
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
