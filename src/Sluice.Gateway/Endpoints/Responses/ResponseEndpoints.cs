using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Sluice.Storage;
using Sluice.Upstreams;

namespace Sluice.Gateway;

/// <summary>The Responses API over chat completions: plain, streamed, and in the <see cref="BackgroundResponses"/>.</summary>
/// <param name="store">Null to keep nothing.</param>
/// <param name="shelf">Shared with <paramref name="background"/>.</param>
internal sealed class ResponseEndpoints(IResponseStore? store, ResponseShelf shelf, BackgroundResponses background) : IEndpoints
{
    public void Map(IEndpointRouteBuilder routes, GatewayServices gateway)
    {
        routes.MapPost("/v1/responses", Open(gateway, (context, caller) => CreateAsync(context, gateway, caller)));
        routes.MapGet("/v1/responses/{id}", Open(gateway, GetAsync));
        routes.MapDelete("/v1/responses/{id}", Open(gateway, DeleteAsync));
        routes.MapPost("/v1/responses/{id}/cancel", Open(gateway, CancelAsync));
    }

    private static RequestDelegate Open(GatewayServices gateway, Func<HttpContext, Caller, Task<ApiError?>> handle) => async context =>
    {
        context.Response.Headers[AnswerHeaders.RequestId] = gateway.Ids.Of(context.Request);
        var caller = gateway.Callers.Find(context, out var error);
        if (caller is not null) error = await handle(context, caller).ConfigureAwait(false);
        if (error is not null) await error.WriteAsync(context).ConfigureAwait(false);
    };

    private async Task<ApiError?> CreateAsync(HttpContext context, GatewayServices gateway, Caller caller)
    {
        var (body, unreadable) = await gateway.Bodies.ReadAsync(context).ConfigureAwait(false);
        if (unreadable is not null) return TurnAway(unreadable);
        var isHandedOn = false;
        try
        {
            var (request, problem) = await ReadAsync(body, caller, context.RequestAborted).ConfigureAwait(false);
            if (request is null) return TurnAway(problem!);
            var id = context.Response.Headers[AnswerHeaders.RequestId].ToString();
            if (ResponseCall.Describe(context.Request.Headers, gateway, caller, request, id, out var call, out var urgency) is { } wrong)
                return TurnAway(wrong);

            var className = gateway.Options.Classes[urgency.Class].Name;
            var state = new ResponseState(
                request, ResponseState.NewId(), gateway.Loop.Time.GetUtcNow().ToUnixTimeSeconds(), request.IsStream)
            {
                ServiceTier = ServiceTiers.Used(request.Tier, className)!,
            };
            var live = gateway.Loop.Create(call!);
            var run = new RunningResponse(gateway, live, state, urgency, className, body.Length);
            if (request.IsBackground)
            {
                isHandedOn = true;
                var refused = await background.StartAsync(caller, run, id, context.RequestAborted).ConfigureAwait(false);
                if (refused is not null) return refused;
                if (request.IsStream) return await EventsAsync(context, state, 0).ConfigureAwait(false);
                return await WriteAsync(context, state.ToJson()).ConfigureAwait(false);
            }

            if (request.IsStream) return await StreamAsync(context, caller, run).ConfigureAwait(false);
            var outcome = await live.RunAsync(state, context.RequestAborted).ConfigureAwait(false);
            if (run.End(caller, outcome) is { } failed) return failed;
            if (request.IsStored) shelf.Add(caller.Tenant, state, new());
            AnswerHeaders.Write(context.Response, live, run.ClassName);
            return await WriteAsync(context, state.ToJson()).ConfigureAwait(false);
        }
        finally
        {
            if (!isHandedOn) gateway.Bodies.Release(body.Length);
        }

        ApiError TurnAway(ApiError error)
        {
            gateway.Callers.TurnedAway(caller);
            return error;
        }
    }

    private async Task<(ResponseRequest? Request, ApiError? Problem)> ReadAsync(
        ReadOnlyMemory<byte> body, Caller caller, CancellationToken cancel)
    {
        var request = ResponseRequest.Read(body, id => shelf.Find(caller.Tenant, id)?.State.Conversation(), out var problem);
        if (request is not null || store is null || problem!.Code != "previous_response_not_found") return (request, problem);
        if (ResponseRequest.PreviousOf(body) is not { } previous) return (request, problem);

        // What it goes on from may be of a time before the gateway started.
        if (await store.FindAsync(caller.Name, previous, cancel).ConfigureAwait(false) is not { IsFinished: true } row)
            return (request, problem);
        request = ResponseRequest.Read(body, id => id == previous ? KeptResponse.Conversation(row) : null, out problem);
        return (request, problem);
    }

    private async Task<ApiError?> StreamAsync(HttpContext context, Caller caller, RunningResponse run)
    {
        var running = run.Live.RunAsync(run.State, context.RequestAborted);
        if (!running.IsCompleted && run.Live.EngineName.Length == 0) run.State.Queue();
        if (running.IsCompleted && run.End(caller, await running.ConfigureAwait(false)) is { } refused) return refused;
        AnswerHeaders.Write(context.Response, run.Live, run.ClassName);
        var ended = EndAsync();
        await EventsAsync(context, run.State, 0).ConfigureAwait(false);
        await ended.ConfigureAwait(false);
        if (run.State.Request.IsStored) shelf.Add(caller.Tenant, run.State, new());
        return null;

        async Task EndAsync() => run.End(caller, await running.ConfigureAwait(false));
    }

    private static async Task<ApiError?> EventsAsync(HttpContext context, ResponseState state, int after)
    {
        context.Response.ContentType = "text/event-stream";
        context.Response.Headers.CacheControl = "no-cache";
        await foreach (var (type, json) in state.EventsAsync(after, context.RequestAborted).ConfigureAwait(false))
        {
            var text = Encoding.UTF8.GetBytes($"event: {type}\ndata: {json}\n\n");
            await context.Response.BodyWriter.WriteAsync(text, context.RequestAborted).ConfigureAwait(false);
        }

        return null;
    }

    private Task<ApiError?> GetAsync(HttpContext context, Caller caller)
    {
        if (Find(context, caller) is not { } entry) return GetStoredAsync(context, caller);
        if (context.Request.Query["stream"] != "true") return WriteAsync(context, entry.State.ToJson());
        if (!entry.State.Request.IsStream)
            return Task.FromResult<ApiError?>(ApiError.BadRequest("This response was not made with 'stream'.", "stream"));
        var after = int.TryParse(context.Request.Query["starting_after"], out var number) && number >= 0 ? number + 1 : 0;
        return EventsAsync(context, entry.State, after);
    }

    private async Task<ApiError?> DeleteAsync(HttpContext context, Caller caller)
    {
        var id = context.Request.RouteValues["id"] as string ?? "";
        var wasStored = store is not null && await store.DeleteAsync(caller.Name, id, context.RequestAborted).ConfigureAwait(false);
        if (Find(context, caller) is { } entry)
        {
            await entry.Cancel.CancelAsync().ConfigureAwait(false);
            shelf.Remove(entry);
        }
        else if (!wasStored)
        {
            return await Missing(context).ConfigureAwait(false);
        }

        return await WriteAsync(
            context, new() { ["id"] = id, ["object"] = "response", ["deleted"] = true }).ConfigureAwait(false);
    }

    private async Task<ApiError?> CancelAsync(HttpContext context, Caller caller)
    {
        if (Find(context, caller) is not { } entry) return await GetStoredAsync(context, caller).ConfigureAwait(false);
        if (!entry.State.Request.IsBackground) return ApiError.BadRequest("Only background responses can be cancelled.");
        if (!entry.State.IsOver)
        {
            await entry.Cancel.CancelAsync().ConfigureAwait(false);
            entry.State.End(new(LiveEnd.Cancelled, default, 0, 0), null); // What still comes of it changes nothing.
        }

        return await WriteAsync(context, entry.State.ToJson()).ConfigureAwait(false);
    }

    /// <summary>One from before the gateway started. Its events are gone; its answer is not.</summary>
    private async Task<ApiError?> GetStoredAsync(HttpContext context, Caller caller)
    {
        var id = context.Request.RouteValues["id"] as string ?? "";
        var row = store is null ? null : await store.FindAsync(caller.Name, id, context.RequestAborted).ConfigureAwait(false);
        if (row is null) return await Missing(context).ConfigureAwait(false);
        if (context.Request.Query["stream"] == "true")
            return ApiError.BadRequest("The gateway was started again since; the events of this response are gone.", "stream");
        return await WriteAsync(
            context, row.Response is { } answer ? JsonNode.Parse(answer)!.AsObject() : KeptResponse.Of(row).State(row).ToJson())
            .ConfigureAwait(false);
    }

    private ResponseShelf.Entry? Find(HttpContext context, Caller caller) =>
        shelf.Find(caller.Tenant, context.Request.RouteValues["id"] as string ?? "");

    private static Task<ApiError?> Missing(HttpContext context) => Task.FromResult<ApiError?>(
        ApiError.NotFound($"There is no response '{context.Request.RouteValues["id"]}'.", "response_not_found", "id"));

    private static async Task<ApiError?> WriteAsync(HttpContext context, JsonObject json)
    {
        var bytes = JsonSerializer.SerializeToUtf8Bytes<JsonNode>(json);
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = bytes.Length;
        await context.Response.Body.WriteAsync(bytes, context.RequestAborted).ConfigureAwait(false);
        return null;
    }
}
