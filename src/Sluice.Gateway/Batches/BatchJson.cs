using System.Text.Json;
using Sluice.Storage;

namespace Sluice.Gateway;

/// <summary>A batch as the API shows it: OpenAI's fields, all of them and no others.</summary>
internal static class BatchJson
{
    public static void Write(Utf8JsonWriter json, StoredBatch batch)
    {
        var (asked, times) = (batch.Asked, batch.Times);
        json.WriteStartObject();
        json.WriteString("id"u8, batch.Id);
        json.WriteString("object"u8, "batch"u8);
        json.WriteString("endpoint"u8, asked.Endpoint);
        if (batch.Model is { } model) json.WriteString("model"u8, model);
        WriteErrors(json, batch.Errors);
        json.WriteString("input_file_id"u8, asked.InputFile);
        json.WriteString("completion_window"u8, asked.CompletionWindow);
        json.WriteString("status"u8, batch.Status.ToText());
        json.WriteString("output_file_id"u8, batch.OutputFile);
        json.WriteString("error_file_id"u8, batch.ErrorFile);
        json.WriteNumber("created_at"u8, asked.Created);
        Time("in_progress_at"u8, times.InProgress);
        json.WriteNumber("expires_at"u8, asked.Expires);
        Time("finalizing_at"u8, times.Finalizing);
        Time("completed_at"u8, times.Completed);
        Time("failed_at"u8, times.Failed);
        Time("expired_at"u8, times.Expired);
        Time("cancelling_at"u8, times.Cancelling);
        Time("cancelled_at"u8, times.Cancelled);
        json.WriteStartObject("request_counts"u8);
        json.WriteNumber("total"u8, batch.Counts.Total);
        json.WriteNumber("completed"u8, batch.Counts.Completed);
        json.WriteNumber("failed"u8, batch.Counts.Failed);
        json.WriteEndObject();
        WriteUsage(json, batch.Usage);
        json.WritePropertyName("metadata"u8);
        if (asked.Metadata is { } metadata) json.WriteRawValue(metadata);
        else json.WriteNullValue();
        json.WriteEndObject();

        void Time(ReadOnlySpan<byte> name, long? at)
        {
            if (at is { } seconds) json.WriteNumber(name, seconds);
            else json.WriteNull(name);
        }
    }

    private static void WriteErrors(Utf8JsonWriter json, string? errors)
    {
        json.WritePropertyName("errors"u8);
        if (errors is null)
        {
            json.WriteNullValue();
            return;
        }

        json.WriteStartObject();
        json.WriteString("object"u8, "list"u8);
        json.WritePropertyName("data"u8);
        json.WriteRawValue(errors);
        json.WriteEndObject();
    }

    private static void WriteUsage(Utf8JsonWriter json, TokenUsage usage)
    {
        json.WriteStartObject("usage"u8);
        json.WriteNumber("input_tokens"u8, usage.Input);
        json.WriteStartObject("input_tokens_details"u8);
        json.WriteNumber("cached_tokens"u8, usage.Cached);
        json.WriteEndObject();
        json.WriteNumber("output_tokens"u8, usage.Output);
        json.WriteStartObject("output_tokens_details"u8);
        json.WriteNumber("reasoning_tokens"u8, usage.Reasoning);
        json.WriteEndObject();
        json.WriteNumber("total_tokens"u8, usage.Input + usage.Output);
        json.WriteEndObject();
    }
}
