using System.Globalization;
using Sluice.Storage;

namespace Sluice.Gateway;

/// <summary><c>/v1/batches</c>. A batch of another tenant is a batch that does not exist.</summary>
internal sealed class BatchEndpoints(BatchParts parts, BatchWorker worker) : IEndpoints
{
    private const int ListDefault = 20, ListMax = 100;

    private GatewayServices _gateway = null!;

    public void Map(IEndpointRouteBuilder routes, GatewayServices gateway)
    {
        _gateway = gateway;
        routes.MapPost("/v1/batches", Door.Open(gateway, CreateAsync));
        routes.MapGet("/v1/batches", Door.Open(gateway, ListAsync));
        routes.MapGet("/v1/batches/{id}", Door.Open(gateway, ShowAsync));
        routes.MapPost("/v1/batches/{id}/cancel", Door.Open(gateway, CancelAsync));
    }

    private async Task<ApiError?> CreateAsync(HttpContext context, Caller caller)
    {
        var (body, unreadable) = await _gateway.Bodies.ReadAsync(context);
        if (unreadable is not null) return unreadable;
        try
        {
            if (BatchRequest.Read(body, context.Request.Headers, parts.Options, out var asked) is { } wrong) return wrong;
            return await CreateAsync(context, caller, asked!);
        }
        finally
        {
            _gateway.Bodies.Release(body.Length);
        }
    }

    private async Task<ApiError?> CreateAsync(HttpContext context, Caller caller, BatchRequest asked)
    {
        var cancel = context.RequestAborted;
        if (!parts.Runner.Endpoints.Contains(asked.Endpoint))
        {
            return ApiError.BadRequest(
                $"'endpoint' is '{asked.Endpoint}'; batches here run {string.Join(", ", parts.Runner.Endpoints)}.", "endpoint",
                "invalid_value");
        }

        if (await parts.Store.Files.FindAsync(caller.Name, asked.InputFile, cancel) is not { } file)
            return FileEndpoints.NoSuchFile(asked.InputFile) with { Status = 400, Param = "input_file_id" };
        if (file.Purpose != "batch")
        {
            return ApiError.BadRequest(
                $"The file {file.Id} has the purpose '{file.Purpose}'; an input file has 'batch'.", "input_file_id", "invalid_value");
        }

        var unfinished = await parts.Store.Batches.UnfinishedAsync(cancel);
        if (unfinished.Count(b => b.Asked.Tenant == caller.Name) >= parts.Options.UnfinishedMax)
        {
            return new(
                429, "rate_limit_error", "too_many_batches",
                $"{parts.Options.UnfinishedMax} batches are unfinished, which is the limit.")
            {
                ShouldRetry = false,
            };
        }

        var now = parts.Time.UnixSeconds();
        var promise = BatchPromise.Of(unfinished, file.Lines, parts.Throughput.LinesPerSecond);
        if (promise is { } expected)
        {
            context.Response.Headers["x-sluice-expected-completion"] =
                ((long)Math.Min(now + expected.TotalSeconds, 1e11)).ToString(CultureInfo.InvariantCulture);
            if (parts.Options.RefusesUnreachable && expected > asked.Window)
                return BatchPromise.Refusal(expected, asked.CompletionWindow);
        }

        var batch = new NewBatch(
            Ids.NewBatch(), caller.Name, asked.Endpoint, file.Id, asked.CompletionWindow, asked.Metadata, asked.OutputSeconds, now,
            now + (long)asked.Window.TotalSeconds);
        await parts.Store.Batches.CreateAsync(batch, cancel);
        worker.Look();
        var stored = await parts.Store.Batches.FindAsync(caller.Name, batch.Id, cancel);
        await JsonAnswer.WriteAsync(context, json => BatchJson.Write(json, stored!));
        return null;
    }

    private async Task<ApiError?> ListAsync(HttpContext context, Caller caller)
    {
        if (PageParameters.Read(context.Request.Query, ListDefault, ListMax, out var page) is { } wrong) return wrong;
        if (page.After is { } after && await parts.Store.Batches.FindAsync(caller.Name, after, context.RequestAborted) is null)
            return NoSuchBatch(after) with { Param = "after" };
        var found = await parts.Store.Batches.ListAsync(caller.Name, page, context.RequestAborted);
        await PageParameters.WriteAsync(context, found, static b => b.Id, BatchJson.Write);
        return null;
    }

    private async Task<ApiError?> ShowAsync(HttpContext context, Caller caller)
    {
        var id = (string)context.Request.RouteValues["id"]!;
        if (await parts.Store.Batches.FindAsync(caller.Name, id, context.RequestAborted) is not { } batch) return NoSuchBatch(id);
        await JsonAnswer.WriteAsync(context, json => BatchJson.Write(json, batch));
        return null;
    }

    private async Task<ApiError?> CancelAsync(HttpContext context, Caller caller)
    {
        var id = (string)context.Request.RouteValues["id"]!;
        if (await parts.Store.Batches.CancelAsync(caller.Name, id, parts.Time.UnixSeconds(), context.RequestAborted) is not { } batch)
            return NoSuchBatch(id);
        if (batch.Status is BatchStatus.Completed or BatchStatus.Failed or BatchStatus.Expired)
        {
            return new(409, "invalid_request_error", "invalid_status",
                $"Cannot cancel a batch with status '{batch.Status.ToText()}'.", "batch_id")
            {
                ShouldRetry = false, // Clients retry 409 otherwise.
            };
        }

        worker.Look();
        await JsonAnswer.WriteAsync(context, json => BatchJson.Write(json, batch));
        return null;
    }

    private static ApiError NoSuchBatch(string id) =>
        new(404, "invalid_request_error", "not_found", $"No batch found with id '{id}'.", "batch_id");
}
