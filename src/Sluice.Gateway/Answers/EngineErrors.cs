using System.Text.Json;

namespace Sluice.Gateway;

/// <summary>Reads whatever an engine says went wrong: OpenAI's shape, llama.cpp's with numbers as codes, FastAPI's
/// <c>detail</c>, Ollama's bare string, or no JSON at all.</summary>
internal static class EngineErrors
{
    private const int MessageMax = 4000;

    public static ApiError Read(int status, string body)
    {
        var error = new ApiError(
            status is >= 400 and < 600 ? status : 400, status >= 500 ? "server_error" : "invalid_request_error", "engine_error",
            body.Length == 0 ? "The engine refused the request and gave no reason." : Cut(body));
        try
        {
            using var document = JsonDocument.Parse(body);
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object) return error;
            if (!root.TryGetProperty("error"u8, out var told)) told = root;
            if (told.ValueKind == JsonValueKind.String) return error with { Message = Cut(told.GetString()!) };
            if (told.ValueKind != JsonValueKind.Object) return error;
            return error with
            {
                Message = TextOf(told, "message") ?? TextOf(told, "detail") ?? error.Message,
                Type = TextOf(told, "type") ?? error.Type,
                Param = TextOf(told, "param"),
                Code = TextOf(told, "code") ?? error.Code,
            };
        }
        catch (JsonException)
        {
            return error;
        }
    }

    private static string? TextOf(JsonElement element, string name) =>
        !element.TryGetProperty(name, out var value) ? null : value.ValueKind switch
        {
            JsonValueKind.String => Cut(value.GetString()!),
            JsonValueKind.Null or JsonValueKind.Undefined => null,
            _ => Cut(value.GetRawText()),
        };

    private static string Cut(string text) => text.Length <= MessageMax ? text : text[..MessageMax] + "…";
}
