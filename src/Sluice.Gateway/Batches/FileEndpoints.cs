using System.Globalization;
using Microsoft.Net.Http.Headers;
using Sluice.Storage;

namespace Sluice.Gateway;

/// <summary><c>/v1/files</c>. A file of another tenant is a file that does not exist.</summary>
internal sealed class FileEndpoints(IFileStore files, BatchOptions options, TimeProvider time) : IEndpoints
{
    private const int ListMax = 10_000;

    public void Map(IEndpointRouteBuilder routes, GatewayServices gateway)
    {
        var uploads = new FileUploads(files, options, time);
        routes.MapPost("/v1/files", Door.Open(gateway, uploads.TakeAsync));
        routes.MapGet("/v1/files", Door.Open(gateway, ListAsync));
        routes.MapGet("/v1/files/{id}", Door.Open(gateway, ShowAsync));
        routes.MapDelete("/v1/files/{id}", Door.Open(gateway, DeleteAsync));
        routes.MapGet("/v1/files/{id}/content", Door.Open(gateway, ContentAsync));
    }

    /// <summary>Also for the id of somebody else's file, so that nobody can find out which ids exist.</summary>
    internal static ApiError NoSuchFile(string? id) =>
        new(404, "invalid_request_error", "not_found", $"No such File object: {id}", "id");

    private async Task<ApiError?> ListAsync(HttpContext context, Caller caller)
    {
        if (PageParameters.Read(context.Request.Query, ListMax, ListMax, out var page) is { } wrong) return wrong;
        if (page.After is { } after && await files.FindAsync(caller.Name, after, context.RequestAborted) is null)
            return NoSuchFile(after) with { Param = "after" };
        var purpose = context.Request.Query["purpose"] is [{ Length: > 0 } only] ? only : null;
        var found = await files.ListAsync(caller.Name, purpose, page, context.RequestAborted);
        await PageParameters.WriteAsync(context, found, static f => f.Id, FileJson.Write);
        return null;
    }

    private async Task<ApiError?> ShowAsync(HttpContext context, Caller caller)
    {
        if (await FindAsync(context, caller) is not { } file) return NoSuchFile(IdOf(context));
        await JsonAnswer.WriteAsync(context, json => FileJson.Write(json, file));
        return null;
    }

    private async Task<ApiError?> DeleteAsync(HttpContext context, Caller caller)
    {
        var id = IdOf(context);
        if (!await files.DeleteAsync(caller.Name, id, context.RequestAborted)) return NoSuchFile(id);
        await JsonAnswer.WriteAsync(context, json =>
        {
            json.WriteStartObject();
            json.WriteString("id"u8, id);
            json.WriteString("object"u8, "file"u8);
            json.WriteBoolean("deleted"u8, true);
            json.WriteEndObject();
        });
        return null;
    }

    private async Task<ApiError?> ContentAsync(HttpContext context, Caller caller)
    {
        if (await FindAsync(context, caller) is not { } file) return NoSuchFile(IdOf(context));
        var response = context.Response;
        var disposition = new ContentDispositionHeaderValue("attachment");
        disposition.SetHttpFileName(file.Name);
        response.ContentType = "application/octet-stream";
        response.ContentLength = file.Bytes;
        response.Headers.ContentDisposition = disposition.ToString();
        response.Headers.LastModified =
            DateTimeOffset.FromUnixTimeSeconds(file.Created).ToString("R", CultureInfo.InvariantCulture);
        await using var content = files.OpenRead(file);
        await content.CopyToAsync(response.Body, context.RequestAborted);
        return null;
    }

    private async Task<StoredFile?> FindAsync(HttpContext context, Caller caller) =>
        await files.FindAsync(caller.Name, IdOf(context), context.RequestAborted) is { } file
            && (file.Expires is not { } expires || expires > time.UnixSeconds())
            ? file
            : null;

    private static string IdOf(HttpContext context) => (string)context.Request.RouteValues["id"]!;
}
