using System.Buffers;
using System.Text;
using System.Text.Json;

namespace Sluice.Gateway;

/// <summary>OpenAI's <c>service_tier</c>: a caller that names one is told in the answer which it got.</summary>
internal static class ServiceTiers
{
    /// <summary>The tier that a class stands for; <c>fast</c> comes back as <c>priority</c>, as it does at OpenAI.</summary>
    /// <param name="asked">Null when the caller named none; then nothing is said.</param>
    public static string? Used(string? asked, string className) => asked is null ? null : className switch
    {
        SloClasses.Interactive => asked == "scale" ? "scale" : "priority",
        SloClasses.Background or SloClasses.Batch => "flex",
        _ => "default",
    };

    /// <summary>An answer or an event of one, with the tier in it: in place of what the engine said of its own, or else first.</summary>
    public static ReadOnlyMemory<byte> Put(ReadOnlyMemory<byte> json, string? tier)
    {
        if (tier is null) return json;
        var (start, end) = PlaceIn(json.Span);
        var value = Encoding.UTF8.GetBytes(end > start ? $"\"{tier}\"" : $"\"service_tier\":\"{tier}\",");
        var whole = new ArrayBufferWriter<byte>(json.Length + value.Length);
        whole.Write(json.Span[..start]);
        whole.Write(value);
        whole.Write(json.Span[end..]);
        return whole.WrittenMemory;
    }

    /// <returns>Where the value stands; an empty place behind the opening brace if there is none.</returns>
    private static (int Start, int End) PlaceIn(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        reader.Read();
        var begin = (int)reader.BytesConsumed;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isTier = reader.ValueTextEquals("service_tier"u8);
            reader.Read();
            var start = (int)reader.TokenStartIndex;
            reader.Skip();
            if (isTier) return (start, (int)reader.BytesConsumed);
        }

        return (begin, begin);
    }
}
