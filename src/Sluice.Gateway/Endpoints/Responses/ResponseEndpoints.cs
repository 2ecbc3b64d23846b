using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Sluice.Storage;
using Sluice.Upstreams;

namespace Sluice.Gateway;

/// <summary>The Responses API over chat completions: plain, streamed, and in the background.</summary>
/// <remarks>With a store, a background response is durable from the moment its caller is told of it: one that was not finished when
/// the gateway ended is run again when it starts.</remarks>
/// <param name="store">Null to keep nothing.</param>
/// <param name="callerOf">The caller of a tenant's name, for those who are long gone.</param>
internal sealed class ResponseEndpoints(IResponseStore? store = null, Func<string, Caller>? callerOf = null) : IEndpoints
{
    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(1), s_pauseMax = TimeSpan.FromSeconds(30);

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
            var (request, problem) = await ReadAsync(body, caller, context.RequestAborted).ConfigureAwait(false);
            if (request is null) return TurnAway(problem!);
            var id = context.Response.Headers[AnswerHeaders.RequestId].ToString();
            if (Describe(context.Request.Headers, gateway, caller, request, id, out var call, out var urgency) is { } wrong)
                return TurnAway(wrong);

            var className = gateway.Options.Classes[urgency.Class].Name;
            var state = new ResponseState(
                request, ResponseState.NewId(), gateway.Loop.Time.GetUtcNow().ToUnixTimeSeconds(), request.IsStream)
            {
                ServiceTier = ServiceTiers.Used(request.Tier, className)!,
            };
            var live = gateway.Loop.Create(call!);
            var run = new Running(gateway, live, state, urgency, className, body.Length);
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

    private async Task<(ResponseRequest? Request, ApiError? Problem)> ReadAsync(
        ReadOnlyMemory<byte> body, Caller caller, CancellationToken cancel)
    {
        var request = ResponseRequest.Read(body, id => _shelf.Find(caller.Tenant, id)?.State.Conversation(), out var problem);
        if (request is not null || store is null || problem!.Code != "previous_response_not_found") return (request, problem);
        if (ResponseRequest.PreviousOf(body) is not { } previous) return (request, problem);

        // What it goes on from may be of a time before the gateway started.
        if (await store.FindAsync(caller.Name, previous, cancel).ConfigureAwait(false) is not { IsFinished: true } row)
            return (request, problem);
        request = ResponseRequest.Read(body, id => id == previous ? KeptResponse.Conversation(row) : null, out problem);
        return (request, problem);
    }

    private static ApiError? Describe(
        IHeaderDictionary headers, GatewayServices gateway, Caller caller, ResponseRequest request, string id, out LiveCall? call,
        out Urgency urgency)
    {
        (call, urgency) = (null, default);
        var chat = request.ToChat();
        if (!BodyFacts.TryRead(chat, out var facts, out var problem)) return problem;
        if (request.IsBackground) caller = caller with { Class = caller.Class ?? SloClasses.Background };
        facts = facts with { IsStream = request.IsStream };
        var wrong = gateway.Describe(
            UpstreamApi.ChatCompletions, chat, in facts, headers, caller, id, out call, out urgency);
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
        var isRefused = running.IsCompleted && !(await running.ConfigureAwait(false)).IsCompleted;
        var isKept = store is not null && !isRefused;
        var unkept = isKept ? await KeepAsync(caller, run, context).ConfigureAwait(false) : null;
        if (unkept is not null) await cancel.CancelAsync().ConfigureAwait(false);
        var ended = EndAsync(isKept && unkept is null);
        if (unkept is not null) return unkept;
        if (run.State.Request.IsStream) return await EventsAsync(context, run.State, 0).ConfigureAwait(false);
        if (running.IsCompleted && await ended.ConfigureAwait(false) is { } refused) return refused;
        return await WriteAsync(context, run.State.ToJson()).ConfigureAwait(false);

        async Task<ApiError?> EndAsync(bool isKept)
        {
            var outcome = await running.ConfigureAwait(false);
            run.Gateway.Bodies.Release(run.BodyBytes);
            if (outcome.End == LiveEnd.Stopping) isKept = false; // It is run again when the gateway starts.
            var error = run.End(caller, outcome);
            if (isKept) await FinishAsync(run.Gateway, run.State).ConfigureAwait(false);
            return error;
        }
    }

    /// <summary>Before the caller is told: what was promised is done, whatever becomes of this process.</summary>
    /// <returns>What to answer when it cannot be kept.</returns>
    private async Task<ApiError?> KeepAsync(Caller caller, Running run, HttpContext context)
    {
        try
        {
            var requestId = context.Response.Headers[AnswerHeaders.RequestId].ToString();
            var row = new KeptResponse(run.State.Request, run.ClassName, requestId).Row(run.State, caller.Name);
            await store!.AcceptAsync(row, context.RequestAborted).ConfigureAwait(false);
            return null;
        }
        catch (StorageException e)
        {
            GatewayLog.ResponseLost(run.Gateway.Log, e, run.State.Id);
            return new(503, "server_error", "storage_failed", "The store does not take it now; its answer could be lost.");
        }
    }

    private async Task FinishAsync(GatewayServices gateway, ResponseState state)
    {
        try
        {
            await store!.FinishAsync(
                state.Id, JsonSerializer.SerializeToUtf8Bytes<JsonNode>(state.ToJson()), CancellationToken.None).ConfigureAwait(false);
        }
        catch (StorageException e)
        {
            GatewayLog.ResponseLost(gateway.Log, e, state.Id); // It is run again when the gateway starts.
        }
    }

    /// <summary>Runs again what was accepted and not finished when the gateway ended. To be run with the gateway.</summary>
    public async Task ResumeAsync(GatewayServices gateway, CancellationToken stop)
    {
        if (store is null || callerOf is null) return;
        var running = new List<Task>(); // No more than were live at once before.
        await foreach (var row in store.UnfinishedAsync(stop).ConfigureAwait(false))
        {
            if (_shelf.Has(row.Id)) continue; // It came since the start.
            var (caller, kept) = (callerOf(row.Tenant), KeptResponse.Of(row));
            var (state, cancel) = (kept.State(row), new CancellationTokenSource());
            _shelf.Add(caller.Tenant, state, cancel);
            running.Add(RunAgainAsync(gateway, caller, kept, state, cancel.Token, stop));
        }

        await Task.WhenAll(running).ConfigureAwait(false);
    }

    private async Task RunAgainAsync(
        GatewayServices gateway, Caller caller, KeptResponse kept, ResponseState state, CancellationToken cancel, CancellationToken stop)
    {
        var headers = new HeaderDictionary { ["x-sluice-class"] = kept.Class };
        for (var pause = s_pause; !stop.IsCancellationRequested; pause = pause * 2 < s_pauseMax ? pause * 2 : s_pauseMax)
        {
            // Its engines may join later than it is asked for.
            var wrong = Describe(
                headers, gateway, caller with { Classes = null }, kept.Request, kept.RequestId, out var call, out var urgency);
            if (wrong is not { Status: 404 })
            {
                var outcome = new LiveOutcome(LiveEnd.Refused, default, 0, 0);
                if (wrong is null)
                {
                    var live = gateway.Loop.Create(call!);
                    outcome = await live.RunAsync(state, cancel).ConfigureAwait(false);
                    if (outcome.End == LiveEnd.Stopping) return;
                    if (!outcome.IsCompleted) wrong = LiveErrors.Of(live, outcome, urgency.IsOwnPatience);
                    gateway.Callers.Ended(caller, outcome);
                }

                if (outcome.End is not (LiveEnd.NoEngine or LiveEnd.Rejected))
                {
                    state.End(outcome, wrong);
                    await FinishAsync(gateway, state).ConfigureAwait(false);
                    return;
                }
            }

            await Task.Delay(pause, gateway.Loop.Time, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
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
            _shelf.Remove(entry);
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
