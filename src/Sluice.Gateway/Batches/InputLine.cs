using System.Text;
using System.Text.Json;

namespace Sluice.Gateway;

/// <summary>What validation finds wrong, as it stands in <c>errors.data</c>.</summary>
/// <param name="Line">Line of the input file, from 1; null for the file as a whole.</param>
internal sealed record LineProblem(string Code, string Message, string? Param = null, int? Line = null);

/// <summary>A line of an input file, parsed.</summary>
/// <param name="Inputs">Inputs to embed; 1 for other endpoints.</param>
internal sealed record InputLine(string CustomId, string Model, ReadOnlyMemory<byte> Body, int Inputs)
{
    private const int CustomIdMax = 512;

    private static readonly UTF8Encoding s_strict = new(false, throwOnInvalidBytes: true);

    /// <returns>What is wrong, or null.</returns>
    public static LineProblem? Parse(ReadOnlyMemory<byte> line, string endpoint, out InputLine? parsed)
    {
        parsed = null;
        try
        {
            _ = s_strict.GetCharCount(line.Span);
            return Read(line, endpoint, out parsed);
        }
        catch (JsonException e)
        {
            return new("invalid_json_line", $"This line is not a valid JSON object: byte {e.BytePositionInLine + 1}.");
        }
        catch (Exception e) when (e is DecoderFallbackException or InvalidOperationException)
        {
            return new("invalid_json_line", "This line is not valid UTF-8.");
        }
    }

    private static LineProblem? Read(ReadOnlyMemory<byte> line, string endpoint, out InputLine? parsed)
    {
        parsed = null;
        string? customId = null, method = null, url = null;
        var body = ReadOnlyMemory<byte>.Empty;
        var reader = new Utf8JsonReader(line.Span, new JsonReaderOptions { MaxDepth = 256 });
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            return new("invalid_json_line", "This line is not a JSON object.");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.GetString()!;
            reader.Read();
            if (name is "custom_id" or "method" or "url")
            {
                if (reader.TokenType != JsonTokenType.String) return new("invalid_type", $"'{name}' must be a string.", name);
                var text = reader.GetString()!;
                if (name == "custom_id") customId = text;
                else if (name == "method") method = text;
                else url = text;
            }
            else if (name == "body")
            {
                if (reader.TokenType != JsonTokenType.StartObject) return new("invalid_type", "'body' must be an object.", name);
                var start = (int)reader.TokenStartIndex;
                reader.Skip();
                body = line[start..(int)reader.BytesConsumed];
            }
            else
            {
                reader.Skip();
            }
        }

        reader.Read(); // Anything but white space after the object throws.
        if (string.IsNullOrEmpty(customId)) return Missing("custom_id");
        if (customId.Length > CustomIdMax)
            return new("invalid_value", $"'custom_id' has more than {CustomIdMax} characters.", "custom_id");
        if (method is null) return Missing("method");
        if (method != "POST") return new("invalid_method", $"'method' is '{Cut(method)}'; it must be 'POST'.", "method");
        if (url is null) return Missing("url");
        if (url != endpoint) return new("invalid_url", $"'url' is '{Cut(url)}'; it must be the batch's endpoint, '{endpoint}'.", "url");
        if (body.IsEmpty) return Missing("body");

        if (!BodyFacts.TryRead(body.Span, out var facts, out var problem))
            return new("invalid_request", problem!.Message, problem.Param is null ? "body" : $"body.{problem.Param}");
        if (string.IsNullOrEmpty(facts.Model)) return Missing("body.model");
        if (facts.IsStream) return new("invalid_value", "'body.stream' is true; answers of a batch cannot be streamed.", "body.stream");
        parsed = new(customId, facts.Model, body, endpoint == "/v1/embeddings" ? InputsOf(body) : 1);
        return null;

        static LineProblem Missing(string name) => new("missing_required_parameter", $"'{name}' is missing.", name);
    }

    /// <summary>An array of texts, or of arrays of tokens, holds several; an array of tokens is one.</summary>
    private static int InputsOf(ReadOnlyMemory<byte> body)
    {
        using var document = JsonDocument.Parse(body, new() { MaxDepth = 256 });
        if (!document.RootElement.TryGetProperty("input", out var input) || input.ValueKind != JsonValueKind.Array) return 1;
        return input.GetArrayLength() is > 0 and var count && input[0].ValueKind != JsonValueKind.Number ? count : 1;
    }

    private static string Cut(string text) => text.Length <= 100 ? text : text[..100] + "…";
}
