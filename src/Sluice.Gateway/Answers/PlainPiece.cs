using System.Text;
using System.Text.Json;

namespace Sluice.Gateway;

/// <summary>An event that says nothing but the next piece of a chat's only answer, as nearly all do: read without building
/// anything.</summary>
internal static class PlainPiece
{
    /// <returns>False, with nothing appended, if anything in it is to be kept besides the text.</returns>
    public static bool TryAppend(ReadOnlySpan<byte> json, StringBuilder content)
    {
        var before = content.Length;
        var reader = new Utf8JsonReader(json);
        if (reader.Read() && reader.TokenType == JsonTokenType.StartObject && IsPlain(ref reader, content)) return true;
        content.Length = before;
        return false;
    }

    private static bool IsPlain(ref Utf8JsonReader reader, StringBuilder content)
    {
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("choices"u8))
            {
                if (!IsPlainList(ref reader, content)) return false;
                continue;
            }

            // Those of the first event stand for all.
            var isHead = reader.ValueTextEquals("id"u8) || reader.ValueTextEquals("object"u8) || reader.ValueTextEquals("created"u8)
                || reader.ValueTextEquals("model"u8) || reader.ValueTextEquals("system_fingerprint"u8);
            if (!reader.Read() || (!isHead && reader.TokenType != JsonTokenType.Null)) return false;
            if (reader.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray) return false;
        }

        return reader.TokenType == JsonTokenType.EndObject;
    }

    private static bool IsPlainList(ref Utf8JsonReader reader, StringBuilder content)
    {
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartArray) return false;
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) return false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var (isDelta, isIndex) = (reader.ValueTextEquals("delta"u8), reader.ValueTextEquals("index"u8));
            reader.Read();
            if (isDelta)
            {
                if (!IsPlainDelta(ref reader, content)) return false;
            }
            else if (isIndex)
            {
                if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt32(out var index) || index != 0) return false;
            }
            else if (reader.TokenType != JsonTokenType.Null)
            {
                return false;
            }
        }

        return reader.TokenType == JsonTokenType.EndObject && reader.Read() && reader.TokenType == JsonTokenType.EndArray;
    }

    private static bool IsPlainDelta(ref Utf8JsonReader reader, StringBuilder content)
    {
        if (reader.TokenType != JsonTokenType.StartObject) return false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isContent = reader.ValueTextEquals("content"u8);
            reader.Read();
            if (isContent && reader.TokenType == JsonTokenType.String) reader.AppendTo(content);
            else if (reader.TokenType != JsonTokenType.Null) return false;
        }

        return reader.TokenType == JsonTokenType.EndObject;
    }
}
