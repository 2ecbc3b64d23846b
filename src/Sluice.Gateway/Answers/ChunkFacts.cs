using System.Text;
using System.Text.Json;

namespace Sluice.Gateway;

/// <summary>What the loop has to know of one event of a stream, read in one pass without building anything.</summary>
internal readonly record struct ChunkFacts
{
    /// <summary>A choice says why it ended.</summary>
    public bool IsFinish { get; init; }

    /// <summary>It carries text of the first choice.</summary>
    public bool HasText { get; init; }

    /// <summary>It carries something that cannot be continued from text: tool calls, reasoning, a second choice.</summary>
    public bool HasOther { get; init; }

    public bool HasChoices { get; init; }

    /// <summary>-1 when it carries no usage.</summary>
    public int PromptTokens { get; init; }
    public int OutputTokens { get; init; }

    public bool HasUsage => OutputTokens >= 0;

    /// <summary>The last event of a stream with usage: nothing else is in it.</summary>
    public bool IsUsageOnly => HasUsage && !HasChoices;

    /// <param name="text">Text of the first choice is appended to it.</param>
    /// <exception cref="JsonException">It is no JSON object.</exception>
    public static ChunkFacts Read(ReadOnlySpan<byte> json, StringBuilder? text)
    {
        var facts = new ChunkFacts { PromptTokens = -1, OutputTokens = -1 };
        var reader = new Utf8JsonReader(json);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) throw new JsonException("an event is no JSON object");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("choices"u8)) ReadChoices(ref reader, ref facts, text);
            else if (reader.ValueTextEquals("usage"u8)) ReadUsage(ref reader, ref facts);
            else SkipValue(ref reader);
        }

        return facts;
    }

    private static void ReadChoices(ref Utf8JsonReader reader, ref ChunkFacts facts, StringBuilder? text)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            reader.Skip();
            return;
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
        {
            facts = facts with { HasChoices = true };
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                if (reader.ValueTextEquals("delta"u8)) ReadDelta(ref reader, ref facts, text);
                else if (reader.ValueTextEquals("text"u8)) ReadText(ref reader, ref facts, text);
                else if (reader.ValueTextEquals("finish_reason"u8))
                {
                    reader.Read();
                    if (reader.TokenType == JsonTokenType.String) facts = facts with { IsFinish = true };
                }
                else if (reader.ValueTextEquals("index"u8))
                {
                    reader.Read();
                    if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt32(out var index) || index != 0)
                        facts = facts with { HasOther = true };
                }
                else
                {
                    SkipValue(ref reader);
                }
            }
        }
    }

    private static void ReadDelta(ref Utf8JsonReader reader, ref ChunkFacts facts, StringBuilder? text)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return;
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("content"u8))
            {
                ReadText(ref reader, ref facts, text);
                continue;
            }

            var isRole = reader.ValueTextEquals("role"u8);
            reader.Read();
            if (!isRole && !IsNothing(ref reader)) facts = facts with { HasOther = true };
            reader.Skip();
        }
    }

    private static void ReadText(ref Utf8JsonReader reader, ref ChunkFacts facts, StringBuilder? text)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.String)
        {
            if (reader.TokenType != JsonTokenType.Null) facts = facts with { HasOther = true };
            reader.Skip();
            return;
        }

        if (reader.ValueSpan.IsEmpty) return;
        facts = facts with { HasText = true };
        if (text is not null) reader.AppendTo(text);
    }

    private static void ReadUsage(ref Utf8JsonReader reader, ref ChunkFacts facts)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return;
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isPrompt = reader.ValueTextEquals("prompt_tokens"u8);
            var isOutput = reader.ValueTextEquals("completion_tokens"u8);
            reader.Read();
            if ((isPrompt || isOutput) && reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out var tokens))
                facts = isPrompt ? facts with { PromptTokens = tokens } : facts with { OutputTokens = tokens };
            reader.Skip();
        }
    }

    /// <summary>Null, an empty string or an empty list: fields that engines send along without meaning anything.</summary>
    private static bool IsNothing(ref Utf8JsonReader reader)
    {
        if (reader.TokenType == JsonTokenType.Null) return true;
        if (reader.TokenType == JsonTokenType.String) return reader.ValueSpan.IsEmpty;
        if (reader.TokenType != JsonTokenType.StartArray) return false;
        var ahead = reader;
        return ahead.Read() && ahead.TokenType == JsonTokenType.EndArray;
    }

    private static void SkipValue(ref Utf8JsonReader reader)
    {
        reader.Read();
        reader.Skip();
    }
}
