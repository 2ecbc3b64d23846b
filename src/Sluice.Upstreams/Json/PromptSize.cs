using System.Text.Json;

namespace Sluice.Upstreams;

/// <summary>Guesses how many tokens a prompt has where nobody can be asked.</summary>
/// <remarks>Four UTF-8 bytes to a token, the usual rule for English; about two for code and half as good for other scripts.
/// Four tokens more per message for its frame; 576 per image, one tile of 336 pixels in patches of 14.</remarks>
public static class PromptSize
{
    private const int BytesPerToken = 4;
    private const int TokensPerMessage = 4;
    private const int TokensPerImage = 576;

    /// <param name="body">A request's JSON object.</param>
    /// <returns>At least 1.</returns>
    public static int Tokens(JsonElement body)
    {
        var bytes = 0L;
        var tokens = 0L;
        if (body.TryGetProperty("messages"u8, out var messages) && messages.ValueKind == JsonValueKind.Array)
            foreach (var message in messages.EnumerateArray())
            {
                tokens += TokensPerMessage;
                if (message.ValueKind != JsonValueKind.Object) continue;
                if (message.TryGetProperty("content"u8, out var content)) Add(content, ref bytes, ref tokens);
                if (message.TryGetProperty("tool_calls"u8, out var calls)) bytes += calls.GetRawText().Length;
            }

        if (body.TryGetProperty("prompt"u8, out var prompt)) Add(prompt, ref bytes, ref tokens);
        if (body.TryGetProperty("input"u8, out var input)) Add(input, ref bytes, ref tokens);
        if (body.TryGetProperty("tools"u8, out var tools)) bytes += tools.GetRawText().Length;
        return (int)Math.Clamp(tokens + (bytes + BytesPerToken - 1) / BytesPerToken, 1, int.MaxValue / 2);
    }

    private static void Add(JsonElement content, ref long bytes, ref long tokens)
    {
        switch (content.ValueKind)
        {
            case JsonValueKind.String:
                bytes += content.GetRawText().Length - 2;
                break;
            case JsonValueKind.Number:
                tokens++; // A prompt given as token ids.
                break;
            case JsonValueKind.Array:
                foreach (var part in content.EnumerateArray()) Add(part, ref bytes, ref tokens);
                break;
            case JsonValueKind.Object:
                if (content.TryGetProperty("text"u8, out var text)) Add(text, ref bytes, ref tokens);
                else if (content.TryGetProperty("image_url"u8, out _)) tokens += TokensPerImage;
                break;
        }
    }
}
