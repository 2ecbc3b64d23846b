using System.Text.Json;

namespace Sluice.Gateway;

/// <summary>The few fields of a request's body that the gateway acts on, read in one pass; everything else goes to the engine
/// as it came. The pass also shows that the body is one JSON object.</summary>
internal readonly record struct BodyFacts
{
    public string? Model { get; init; }
    public bool IsStream { get; init; }

    /// <summary><c>stream_options.include_usage</c>.</summary>
    public bool WantsUsage { get; init; }

    /// <summary>-1 when the caller set no limit.</summary>
    public int OutputTokensMax { get; init; }

    /// <summary>Length of the prompt, messages or input as JSON [bytes].</summary>
    public int PromptBytes { get; init; }

    /// <summary>The answer is one choice of free text: what was sent of it can be continued.</summary>
    public bool IsText { get; init; }

    /// <summary>Streamed and gathered, its answer is as if it had come whole. Engines read tool calls out of a stream by other
    /// code than out of a whole answer, and pieces of sound are not joined.</summary>
    public bool StreamsAlike { get; init; }

    public string? ServiceTier { get; init; }
    public long? Priority { get; init; }

    /// <summary>Dynamo's <c>nvext.agent_hints</c>, higher is earlier, and its expected output length.</summary>
    public long? HintPriority { get; init; }
    public int? HintOutputTokens { get; init; }

    /// <summary>Position of the byte after the opening brace.</summary>
    public int AfterBrace { get; init; }

    /// <param name="problem">What is wrong, where, and which field, when it cannot be read.</param>
    public static bool TryRead(ReadOnlySpan<byte> body, out BodyFacts facts, out ApiError? problem)
    {
        facts = new() { OutputTokensMax = -1, IsText = true, StreamsAlike = true };
        problem = null;
        if (body.IsEmpty)
        {
            problem = ApiError.BadRequest("The body is empty; it must be a JSON object.");
            return false;
        }

        try
        {
            var reader = new Utf8JsonReader(body, new JsonReaderOptions { MaxDepth = 256 });
            reader.Read();
            if (reader.TokenType != JsonTokenType.StartObject)
            {
                problem = ApiError.BadRequest("The body must be a JSON object.");
                return false;
            }

            facts = facts with { AfterBrace = (int)reader.BytesConsumed };
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
                if (ReadProperty(ref reader, ref facts) is { } wrong)
                {
                    problem = wrong;
                    return false;
                }

            reader.Read(); // Anything but white space after the object throws.
            return true;
        }
        catch (JsonException e)
        {
            problem = ApiError.BadRequest(
                $"The body is not valid JSON: line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1}.", code: "invalid_json");
            return false;
        }
        catch (InvalidOperationException)
        {
            problem = ApiError.BadRequest("The body is not valid JSON: a string in it is not valid UTF-8.", code: "invalid_json");
            return false;
        }
    }

    private static ApiError? ReadProperty(ref Utf8JsonReader reader, ref BodyFacts facts)
    {
        var name = NameOf(ref reader);
        reader.Read();
        var start = reader.TokenStartIndex;
        switch (name)
        {
            case Field.Model:
                if (reader.TokenType != JsonTokenType.String) return Wrong("model", "a string");
                facts = facts with { Model = reader.GetString() };
                return null;
            case Field.Stream:
                if (reader.TokenType is not (JsonTokenType.True or JsonTokenType.False or JsonTokenType.Null))
                    return Wrong("stream", "true or false");
                facts = facts with { IsStream = reader.TokenType == JsonTokenType.True };
                return null;
            case Field.Prompt:
                facts = facts with { IsText = facts.IsText && reader.TokenType != JsonTokenType.StartArray };
                reader.Skip();
                facts = facts with { PromptBytes = facts.PromptBytes + (int)(reader.BytesConsumed - start) };
                return null;
            case Field.Text:
                reader.Skip();
                facts = facts with { PromptBytes = facts.PromptBytes + (int)(reader.BytesConsumed - start) };
                return null;
            case Field.Tools:
                var hasTools = reader.TokenType != JsonTokenType.Null;
                reader.Skip();
                var bytes = (int)(reader.BytesConsumed - start);
                facts = facts with
                {
                    PromptBytes = facts.PromptBytes + bytes,
                    StreamsAlike = facts.StreamsAlike && (!hasTools || bytes == 2), // []
                };
                return null;
            case Field.Unstreamed:
                if (reader.TokenType != JsonTokenType.Null) facts = facts with { StreamsAlike = false };
                reader.Skip();
                return null;
            case Field.MaxTokens:
                if (reader.TokenType == JsonTokenType.Null) return null;
                if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt32(out var tokens))
                    return Wrong("max_tokens", "a whole number");
                facts = facts with { OutputTokensMax = tokens };
                return null;
            case Field.Choices:
                if (reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out var n) && n > 1)
                    facts = facts with { IsText = false };
                reader.Skip();
                return null;
            case Field.Constrained:
                if (reader.TokenType is not (JsonTokenType.Null or JsonTokenType.False)) facts = facts with { IsText = false };
                reader.Skip();
                return null;
            case Field.ServiceTier:
                if (reader.TokenType == JsonTokenType.Null) return null;
                if (reader.TokenType != JsonTokenType.String) return Wrong("service_tier", "a string");
                facts = facts with { ServiceTier = reader.GetString() };
                return null;
            case Field.Priority:
                if (reader.TokenType == JsonTokenType.Null) return null;
                if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out var priority))
                    return Wrong("priority", "a whole number");
                facts = facts with { Priority = priority };
                return null;
            case Field.StreamOptions:
                ReadStreamOptions(ref reader, ref facts);
                return null;
            case Field.Nvext:
                ReadNvext(ref reader, ref facts);
                return null;
            default:
                reader.Skip();
                return null;
        }

        static ApiError Wrong(string field, string right) =>
            ApiError.BadRequest($"'{field}' must be {right}.", param: field, code: "invalid_type");
    }

    private enum Field : byte
    {
        Other, Model, Stream, Prompt, Text, Tools, Unstreamed, MaxTokens, Choices, Constrained, ServiceTier, Priority, StreamOptions, Nvext,
    }

    private static Field NameOf(ref Utf8JsonReader reader) => reader.ValueSpan.Length switch
    {
        1 when reader.ValueTextEquals("n"u8) => Field.Choices,
        4 when reader.ValueTextEquals("echo"u8) => Field.Constrained,
        5 when reader.ValueTextEquals("model"u8) => Field.Model,
        5 when reader.ValueTextEquals("input"u8) => Field.Text,
        5 when reader.ValueTextEquals("nvext"u8) => Field.Nvext,
        5 when reader.ValueTextEquals("tools"u8) => Field.Tools,
        5 when reader.ValueTextEquals("audio"u8) => Field.Unstreamed,
        6 when reader.ValueTextEquals("stream"u8) => Field.Stream,
        6 when reader.ValueTextEquals("prompt"u8) => Field.Prompt,
        7 when reader.ValueTextEquals("best_of"u8) => Field.Choices,
        7 when reader.ValueTextEquals("grammar"u8) => Field.Constrained,
        8 when reader.ValueTextEquals("messages"u8) => Field.Text,
        8 when reader.ValueTextEquals("priority"u8) => Field.Priority,
        9 when reader.ValueTextEquals("functions"u8) => Field.Tools,
        10 when reader.ValueTextEquals("modalities"u8) => Field.Unstreamed,
        10 when reader.ValueTextEquals("max_tokens"u8) => Field.MaxTokens,
        11 when reader.ValueTextEquals("guided_json"u8) => Field.Constrained,
        12 when reader.ValueTextEquals("service_tier"u8) => Field.ServiceTier,
        12 when reader.ValueTextEquals("guided_regex"u8) => Field.Constrained,
        13 when reader.ValueTextEquals("guided_choice"u8) => Field.Constrained,
        14 when reader.ValueTextEquals("guided_grammar"u8) => Field.Constrained,
        14 when reader.ValueTextEquals("stream_options"u8) => Field.StreamOptions,
        15 when reader.ValueTextEquals("prompt_logprobs"u8) => Field.Unstreamed,
        15 when reader.ValueTextEquals("response_format"u8) => Field.Constrained,
        18 when reader.ValueTextEquals("structured_outputs"u8) => Field.Constrained,
        21 when reader.ValueTextEquals("max_completion_tokens"u8) => Field.MaxTokens,
        _ => Field.Other,
    };

    private static void ReadStreamOptions(ref Utf8JsonReader reader, ref BodyFacts facts)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return;
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isUsage = reader.ValueTextEquals("include_usage"u8);
            reader.Read();
            if (isUsage) facts = facts with { WantsUsage = reader.TokenType == JsonTokenType.True };
            reader.Skip();
        }
    }

    private static void ReadNvext(ref Utf8JsonReader reader, ref BodyFacts facts)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return;
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isHints = reader.ValueTextEquals("agent_hints"u8);
            reader.Read();
            if (!isHints || reader.TokenType != JsonTokenType.StartObject)
            {
                reader.Skip();
                continue;
            }

            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var isPriority = reader.ValueTextEquals("priority"u8) || reader.ValueTextEquals("strict_priority"u8);
                var isLength = reader.ValueTextEquals("osl"u8);
                reader.Read();
                if (reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out var number))
                {
                    if (isPriority) facts = facts with { HintPriority = number };
                    if (isLength && number is > 0 and < int.MaxValue) facts = facts with { HintOutputTokens = (int)number };
                }

                reader.Skip();
            }
        }
    }
}
