using System.Buffers;
using System.Text.Json;
using Sluice.Upstreams;

namespace Sluice.Gateway;

/// <summary>An error as OpenAI's clients expect it: all four keys, whatever they hold.</summary>
public sealed record ApiError(int Status, string Type, string Code, string Message, string? Param = null)
{
    /// <summary>Advice for the client: when to come back.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>Overrides what the client would make of the status; null to leave it to the client.</summary>
    public bool? ShouldRetry { get; init; }

    /// <summary>llm-d's word for why the request was dropped.</summary>
    public string? DroppedReason { get; init; }

    public static ApiError BadRequest(string message, string? param = null, string code = "invalid_request") =>
        new(400, "invalid_request_error", code, message, param);

    public static ApiError NotFound(string message, string code = "not_found", string? param = null) =>
        new(404, "invalid_request_error", code, message, param);

    /// <summary>The body, UTF-8.</summary>
    public byte[] ToJson()
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var writer = new Utf8JsonWriter(buffer, PlainJson.Options))
        {
            writer.WriteStartObject();
            writer.WriteStartObject("error"u8);
            writer.WriteString("message"u8, Message);
            writer.WriteString("type"u8, Type);
            if (Param is null) writer.WriteNull("param"u8);
            else writer.WriteString("param"u8, Param);
            writer.WriteString("code"u8, Code);
            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>Sends it as the whole answer. Nothing must have been sent before.</summary>
    public async Task WriteAsync(HttpContext context)
    {
        var response = context.Response;
        var json = ToJson();
        response.StatusCode = Status;
        response.ContentType = "application/json";
        response.ContentLength = json.Length;
        if (RetryAfter is { } wait)
        {
            var seconds = Math.Max(1, (long)Math.Ceiling(wait.TotalSeconds));
            response.Headers.RetryAfter = seconds.ToString(System.Globalization.CultureInfo.InvariantCulture);
        }

        if (ShouldRetry is { } should) response.Headers["x-should-retry"] = should ? "true" : "false";
        if (DroppedReason is not null) response.Headers["x-llm-d-request-dropped-reason"] = DroppedReason;
        await response.Body.WriteAsync(json, context.RequestAborted).ConfigureAwait(false);
    }
}
