using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Sluice.Upstreams;

namespace Sluice.Gateway;

/// <summary>The Responses API over chat completions: plain, streamed, and in the background.</summary>
internal sealed class ResponseEndpoints : IEndpoints
{
    private readonly ResponseShelf _shelf = new();

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
            var request = ResponseRequest.Read(body, id => _shelf.Find(caller.Tenant, id)?.State.Conversation(), out var problem);
            if (request is null) return TurnAway(problem!);
            var id = context.Response.Headers[AnswerHeaders.RequestId].ToString();
            if (Describe(context, gateway, caller, request, id, out var call, out var urgency) is { } wrong) return TurnAway(wrong);

            var state = new ResponseState(
                request, $"resp_{Convert.ToHexStringLower(Guid.CreateVersion7().ToByteArray(bigEndian: true))}",
                gateway.Loop.Time.GetUtcNow().ToUnixTimeSeconds(), request.IsStream);
            var live = gateway.Loop.Create(call!);
            var run = new Running(gateway, live, state, urgency, gateway.Options.Classes[urgency.Class].Name, body.Length);
            if (request.IsBackground)
            {
                isHandedOn = true;
                return await InBackgroundAsync(context, caller, run).ConfigureAwait(false);
            }

            if (request.IsStream) return await StreamAsync(context, caller, run).ConfigureAwait(false);
            var outcome = await live.RunAsync(state, context.RequestAborted).ConfigureAwait(false);
            if (run.End(caller, outcome) is { } failed) return failed;
            if (request.IsStored) _shelf.Add(caller.Tenant, state, new());
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

    private static ApiError? Describe(
        HttpContext context, GatewayServices gateway, Caller caller, ResponseRequest request, string id, out LiveCall? call,
        out Urgency urgency)
    {
        (call, urgency) = (null, default);
        var chat = request.ToChat();
        if (!BodyFacts.TryRead(chat, out var facts, out var problem)) return problem;
        if (request.IsBackground) caller = caller with { Class = caller.Class ?? SloClasses.Background };
        facts = facts with { IsStream = request.IsStream };
        var wrong = gateway.Describe(
            UpstreamApi.ChatCompletions, chat, in facts, context.Request.Headers, caller, id, out call, out urgency);
        if (wrong is not null) return wrong;
        call = call! with { Stream = true };
        if (!request.IsBackground) return null;

        // Nobody waits on the line: how long the client waits for one answer says nothing of this one.
        var byClass = gateway.Options.Classes[urgency.Class];
        call = call with { QueueMax = byClass.QueueMax, Slo = byClass.Slo, Refuses = false };
        return null;
    }

    private async Task<ApiError?> InBackgroundAsync(HttpContext context, Caller caller, Running run)
    {
        var cancel = new CancellationTokenSource();
        _shelf.Add(caller.Tenant, run.State, cancel);
        var running = run.Live.RunAsync(run.State, cancel.Token);
        if (!running.IsCompleted && run.Live.EngineName.Length == 0) run.State.Queue();
        var ended = EndAsync();
        if (run.State.Request.IsStream) return await EventsAsync(context, run.State, 0).ConfigureAwait(false);
        if (running.IsCompleted && await ended.ConfigureAwait(false) is { } refused) return refused;
        return await WriteAsync(context, run.State.ToJson()).ConfigureAwait(false);

        async Task<ApiError?> EndAsync()
        {
            var outcome = await running.ConfigureAwait(false);
            run.Gateway.Bodies.Release(run.BodyBytes);
            return run.End(caller, outcome);
        }
    }

    private async Task<ApiError?> StreamAsync(HttpContext context, Caller caller, Running run)
    {
        var running = run.Live.RunAsync(run.State, context.RequestAborted);
        if (!running.IsCompleted && run.Live.EngineName.Length == 0) run.State.Queue();
        if (running.IsCompleted && run.End(caller, await running.ConfigureAwait(false)) is { } refused) return refused;
        AnswerHeaders.Write(context.Response, run.Live, run.ClassName);
        var ended = EndAsync();
        await EventsAsync(context, run.State, 0).ConfigureAwait(false);
        await ended.ConfigureAwait(false);
        if (run.State.Request.IsStored) _shelf.Add(caller.Tenant, run.State, new());
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
        if (Find(context, caller) is not { } entry) return Missing(context);
        if (context.Request.Query["stream"] != "true") return WriteAsync(context, entry.State.ToJson());
        if (!entry.State.Request.IsStream)
            return Task.FromResult<ApiError?>(ApiError.BadRequest("This response was not made with 'stream'.", "stream"));
        var after = int.TryParse(context.Request.Query["starting_after"], out var number) && number >= 0 ? number + 1 : 0;
        return EventsAsync(context, entry.State, after);
    }

    private async Task<ApiError?> DeleteAsync(HttpContext context, Caller caller)
    {
        if (Find(context, caller) is not { } entry) return await Missing(context).ConfigureAwait(false);
        await entry.Cancel.CancelAsync().ConfigureAwait(false);
        _shelf.Remove(entry);
        return await WriteAsync(
            context, new() { ["id"] = entry.State.Id, ["object"] = "response", ["deleted"] = true }).ConfigureAwait(false);
    }

    private async Task<ApiError?> CancelAsync(HttpContext context, Caller caller)
    {
        if (Find(context, caller) is not { } entry) return await Missing(context).ConfigureAwait(false);
        if (!entry.State.Request.IsBackground) return ApiError.BadRequest("Only background responses can be cancelled.");
        if (!entry.State.IsOver)
        {
            await entry.Cancel.CancelAsync().ConfigureAwait(false);
            entry.State.End(new(LiveEnd.Cancelled, default, 0, 0), null); // What still comes of it changes nothing.
        }

        return await WriteAsync(context, entry.State.ToJson()).ConfigureAwait(false);
    }

    private ResponseShelf.Entry? Find(HttpContext context, Caller caller) =>
        _shelf.Find(caller.Tenant, context.Request.RouteValues["id"] as string ?? "");

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

    /// <summary>A response on its way.</summary>
    private sealed record Running(
        GatewayServices Gateway, LiveRequest Live, ResponseState State, Urgency Urgency, string ClassName, int BodyBytes)
    {
        /// <returns>What to answer when nothing else was.</returns>
        public ApiError? End(Caller caller, LiveOutcome outcome)
        {
            var error = outcome.IsCompleted ? null : LiveErrors.Of(Live, outcome, Urgency.IsOwnPatience);
            State.End(outcome, error);
            Gateway.Callers.Ended(caller, outcome);
            return error;
        }
    }
}
