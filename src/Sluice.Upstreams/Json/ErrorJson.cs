using System.Text;
using System.Text.Json;

namespace Sluice.Upstreams;

/// <summary>Errors as OpenAI's clients read them: an object with all four keys.</summary>
public static class ErrorJson
{
    public static string Write(string message, string type = "invalid_request_error", string? param = null, string? code = null)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, PlainJson.Options))
        {
            json.WriteStartObject();
            json.WriteStartObject("error"u8);
            json.WriteString("message"u8, message);
            json.WriteString("type"u8, type);
            json.WriteString("param"u8, param);
            json.WriteString("code"u8, code);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(stream.GetBuffer(), 0, (int)stream.Length);
    }
}
