using System.Buffers;
using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Net.Http.Headers;
using Sluice.Storage;

namespace Sluice.Gateway;

/// <summary>Takes files in as they come over the wire: a form whose fields may stand in any order, and whose file goes to the
/// store part by part.</summary>
internal sealed class FileUploads(IFileStore files, BatchOptions options, TimeProvider time)
{
    private const int FieldBytesMax = 4096;
    private const int FieldsMax = 32;
    private const int NameMax = 255;
    private const int BoundaryMax = 200;
    private const long ExpiresMin = 3600, ExpiresMax = 2_592_000;

    private static readonly string[] s_purposes = ["batch", "assistants", "fine-tune", "vision", "user_data", "evals"];

    public async Task<ApiError?> TakeAsync(HttpContext context, Caller caller)
    {
        if (!MediaTypeHeaderValue.TryParse(context.Request.ContentType, out var type) ||
            !type.MediaType.Equals("multipart/form-data", StringComparison.OrdinalIgnoreCase) ||
            HeaderUtilities.RemoveQuotes(type.Boundary) is not { Length: > 0 and <= BoundaryMax } boundary)
        {
            return ApiError.BadRequest(
                "A file is uploaded as multipart/form-data with the fields 'purpose' and 'file', for example: "
                + "curl -F purpose=batch -F file=@lines.jsonl.");
        }

        FileWriter? writer = null;
        var isPublished = false;
        try
        {
            var fields = new Dictionary<string, string>(StringComparer.Ordinal);
            var reader = new MultipartReader(boundary.Value!, context.Request.Body) { HeadersCountLimit = 16, HeadersLengthLimit = 8192 };
            while (await reader.ReadNextSectionAsync(context.RequestAborted) is { } section)
            {
                if (!ContentDispositionHeaderValue.TryParse(section.ContentDisposition, out var disposition)) continue;
                var name = HeaderUtilities.RemoveQuotes(disposition.Name).Value ?? "";
                if (name == "file")
                {
                    if (writer is not null) return ApiError.BadRequest("The form holds two files; upload them one by one.", "file");
                    writer = await files.BeginAsync(
                        new(Ids.NewFile(), caller.Name, "", LabelOf(disposition), time.UnixSeconds()), context.RequestAborted);
                    if (await CopyAsync(section.Body, writer, context.RequestAborted) is { } tooLarge) return tooLarge;
                    continue;
                }

                if (fields.Count == FieldsMax) return ApiError.BadRequest($"The form has more than {FieldsMax} fields.");
                if (await TextAsync(section.Body, context.RequestAborted) is not { } text)
                    return ApiError.BadRequest($"The field '{name}' is longer than {FieldBytesMax} bytes.", name);
                fields[name] = text;
            }

            if (writer is null) return ApiError.BadRequest("The form has no field 'file'.", "file", "missing");
            if (Complete(writer, fields) is { } wrong) return wrong;
            var stored = await writer.PublishAsync(context.RequestAborted);
            isPublished = true;
            await JsonAnswer.WriteAsync(context, json => FileJson.Write(json, stored));
            return null;
        }
        catch (Exception e) when (e is InvalidDataException || (e is IOException and not BadHttpRequestException))
        {
            return ApiError.BadRequest($"The form cannot be read: {e.Message}", code: "invalid_form");
        }
        finally
        {
            if (writer is not null && !isPublished) await writer.AbandonAsync();
        }
    }

    /// <summary>The name is a label: without folders, control characters, or more than is sensible.</summary>
    internal static string Label(string name)
    {
        name = name[(name.LastIndexOfAny(['/', '\\']) + 1)..];
        var label = new StringBuilder(Math.Min(name.Length, NameMax));
        foreach (var rune in name.EnumerateRunes())
            if (!Rune.IsControl(rune) && label.Length + rune.Utf16SequenceLength <= NameMax) label.Append(rune);
        return label.ToString().Trim() is { Length: > 0 } text and not ("." or "..") ? text : "file";
    }

    private static string LabelOf(ContentDispositionHeaderValue disposition) =>
        Label((HeaderUtilities.RemoveQuotes(disposition.FileNameStar).Value is { Length: > 0 } star
            ? star
            : HeaderUtilities.RemoveQuotes(disposition.FileName).Value) ?? "");

    private async Task<ApiError?> CopyAsync(Stream content, FileWriter writer, CancellationToken cancel)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(64 * 1024);
        try
        {
            while (true)
            {
                var read = await content.ReadAsync(buffer, cancel);
                if (read == 0) return null;
                if (writer.Bytes + read > options.FileBytesMax)
                {
                    return new(413, "invalid_request_error", "file_too_large",
                        $"The file has more than {options.FileBytesMax} bytes, which is the limit; split it.", "file");
                }

                await writer.WriteAsync(buffer.AsMemory(0, read), cancel);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static async Task<string?> TextAsync(Stream content, CancellationToken cancel)
    {
        var buffer = new byte[FieldBytesMax + 1];
        var read = await content.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancel);
        return read > FieldBytesMax ? null : Encoding.UTF8.GetString(buffer.AsSpan(0, read));
    }

    private static ApiError? Complete(FileWriter writer, Dictionary<string, string> fields)
    {
        var purpose = fields.GetValueOrDefault("purpose", "");
        if (!s_purposes.Contains(purpose))
        {
            return ApiError.BadRequest(
                purpose.Length == 0
                    ? "The form has no field 'purpose'; for batches it is 'batch'."
                    : $"'purpose' is '{purpose}'; it must be one of {string.Join(", ", s_purposes)}.",
                "purpose", purpose.Length == 0 ? "missing" : "invalid_value");
        }

        long? expires = null;
        if (fields.TryGetValue("expires_after[seconds]", out var text))
        {
            if (!long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) ||
                seconds is < ExpiresMin or > ExpiresMax)
            {
                return ApiError.BadRequest(
                    $"'expires_after[seconds]' is '{text}'; it must be from {ExpiresMin} to {ExpiresMax}.", "expires_after",
                    "invalid_value");
            }

            expires = writer.File.Created + seconds;
        }

        if (fields.TryGetValue("expires_after[anchor]", out var anchor) && anchor != "created_at")
        {
            return ApiError.BadRequest(
                $"'expires_after[anchor]' is '{anchor}'; it must be 'created_at'.", "expires_after", "invalid_value");
        }

        writer.File = writer.File with { Purpose = purpose, Expires = expires };
        return null;
    }
}
