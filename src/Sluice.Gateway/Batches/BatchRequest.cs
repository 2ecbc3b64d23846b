using System.Text.Json;

namespace Sluice.Gateway;

/// <summary>The body of <c>POST /v1/batches</c>.</summary>
/// <param name="Metadata">JSON object, or null.</param>
internal sealed record BatchRequest(
    string InputFile, string Endpoint, string CompletionWindow, TimeSpan Window, string? Metadata, long? OutputSeconds)
{
    /// <summary>Lets a client whose types know <c>24h</c> only ask for another window.</summary>
    public const string WindowHeader = "x-sluice-completion-window";

    public const int BytesMax = 64 << 10;
    private const int PairsMax = 16, KeyMax = 64, ValueMax = 512;
    private const long OutputSecondsMin = 3600, OutputSecondsMax = 2_592_000;

    /// <returns>What is wrong, or null.</returns>
    public static ApiError? Read(ReadOnlyMemory<byte> body, IHeaderDictionary headers, BatchOptions options, out BatchRequest? request)
    {
        request = null;
        if (body.Length > BytesMax)
            return new(413, "invalid_request_error", "body_too_large", $"The body has more than {BytesMax} bytes.");
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(body);
        }
        catch (JsonException e)
        {
            return ApiError.BadRequest(
                $"The body is not valid JSON: line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1}.", code: "invalid_json");
        }

        using (document)
        {
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object) return ApiError.BadRequest("The body must be a JSON object.");
            if (Text(root, "input_file_id", out var file) is { } noFile) return noFile;
            if (Text(root, "endpoint", out var endpoint) is { } noEndpoint) return noEndpoint;
            if (Text(root, "completion_window", out var asked) is { } noWindow) return noWindow;
            var (text, where) = headers[WindowHeader] is [{ Length: > 0 } extended]
                ? (extended, WindowHeader)
                : (asked, "completion_window");
            if (!BatchWindow.TryParse(text, out var window) || window > options.WindowMax)
            {
                return ApiError.BadRequest(
                    $"'{where}' is '{text}'; it must be {BatchWindow.Known}, at most {options.WindowMax.TotalDays:0} days.", where,
                    "invalid_value");
            }

            if (ReadMetadata(root, out var metadata) is { } wrongMetadata) return wrongMetadata;
            if (OutputExpiry(root, out var seconds) is { } wrongExpiry) return wrongExpiry;
            request = new(file, endpoint, asked, window, metadata, seconds);
            return null;
        }
    }

    private static ApiError? Text(JsonElement root, string name, out string text)
    {
        text = "";
        if (!root.TryGetProperty(name, out var value)) return ApiError.BadRequest($"'{name}' is missing.", name, "missing");
        if (value.ValueKind != JsonValueKind.String) return ApiError.BadRequest($"'{name}' must be a string.", name, "invalid_type");
        text = value.GetString()!;
        return null;
    }

    private static ApiError? ReadMetadata(JsonElement root, out string? metadata)
    {
        metadata = null;
        if (!root.TryGetProperty("metadata", out var value) || value.ValueKind == JsonValueKind.Null) return null;
        if (value.ValueKind != JsonValueKind.Object) return Wrong("must be an object");
        var pairs = 0;
        foreach (var pair in value.EnumerateObject())
        {
            if (++pairs > PairsMax) return Wrong($"has more than {PairsMax} pairs");
            if (pair.Name.Length > KeyMax) return Wrong($"has a key of more than {KeyMax} characters");
            if (pair.Value.ValueKind != JsonValueKind.String) return Wrong($"must hold strings; '{pair.Name}' is none");
            if (pair.Value.GetString()!.Length > ValueMax)
                return Wrong($"has a value of more than {ValueMax} characters, '{pair.Name}'");
        }

        metadata = value.GetRawText();
        return null;

        static ApiError Wrong(string what) => ApiError.BadRequest($"'metadata' {what}.", "metadata", "invalid_value");
    }

    private static ApiError? OutputExpiry(JsonElement root, out long? seconds)
    {
        seconds = null;
        if (!root.TryGetProperty("output_expires_after", out var value) || value.ValueKind == JsonValueKind.Null) return null;
        if (value.ValueKind == JsonValueKind.Object
            && value.TryGetProperty("anchor", out var anchor)
            && anchor.ValueKind == JsonValueKind.String && anchor.ValueEquals("created_at")
            && value.TryGetProperty("seconds", out var number) && number.ValueKind == JsonValueKind.Number
            && number.TryGetInt64(out var given) && given is >= OutputSecondsMin and <= OutputSecondsMax)
        {
            seconds = given;
            return null;
        }

        return ApiError.BadRequest(
            "'output_expires_after' must be {\"anchor\": \"created_at\", \"seconds\": N} with N from "
            + $"{OutputSecondsMin} to {OutputSecondsMax}.", "output_expires_after", "invalid_value");
    }
}
