using System.Text.Json;
using System.Text.Json.Nodes;
using Sluice.Storage;

namespace Sluice.Gateway;

/// <summary>Responses whose callers come back for them.</summary>
/// <remarks>With a store, one is durable from the moment its caller is told of it: if it was not finished when the gateway ended, it
/// is run again when it starts.</remarks>
/// <param name="store">Null to keep nothing.</param>
/// <param name="shelf">Where they are found while the gateway runs.</param>
/// <param name="callerOf">The caller of a tenant's name, for those who are long gone.</param>
internal sealed class BackgroundResponses(IResponseStore? store, ResponseShelf shelf, Func<string, Caller> callerOf)
{
    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(1), s_pauseMax = TimeSpan.FromSeconds(30);

    /// <summary>Runs one that has just come, and returns when its caller may be told of it.</summary>
    /// <param name="aborted">The caller left.</param>
    /// <returns>What to answer instead when it does not run, or is not kept.</returns>
    public async Task<ApiError?> StartAsync(Caller caller, RunningResponse run, string requestId, CancellationToken aborted)
    {
        var cancel = new CancellationTokenSource();
        shelf.Add(caller.Tenant, run.State, cancel);
        var running = run.Live.RunAsync(run.State, cancel.Token);
        if (!running.IsCompleted && run.Live.EngineName.Length == 0) run.State.Queue();
        var isRefused = running.IsCompleted && !(await running.ConfigureAwait(false)).IsCompleted;
        var isKept = store is not null && !isRefused;
        var unkept = isKept ? await KeepAsync(caller, run, requestId, aborted).ConfigureAwait(false) : null;
        if (unkept is not null) await cancel.CancelAsync().ConfigureAwait(false);
        var ended = EndAsync(caller, run, running, isKept && unkept is null);
        if (unkept is not null) return unkept;
        return running.IsCompleted && !run.State.Request.IsStream ? await ended.ConfigureAwait(false) : null;
    }

    /// <summary>Runs again what was accepted and not finished when the gateway ended. To be run with the gateway.</summary>
    public async Task ResumeAsync(GatewayServices gateway, CancellationToken stop)
    {
        if (store is null) return;
        var running = new List<Task>(); // No more than were live at once before.
        await foreach (var row in store.UnfinishedAsync(stop).ConfigureAwait(false))
        {
            if (shelf.Has(row.Id)) continue; // It came since the start.
            var (caller, kept) = (callerOf(row.Tenant), KeptResponse.Of(row));
            var (state, cancel) = (kept.State(row), new CancellationTokenSource());
            shelf.Add(caller.Tenant, state, cancel);
            running.Add(RunAgainAsync(gateway, caller, kept, state, cancel.Token, stop));
        }

        await Task.WhenAll(running).ConfigureAwait(false);
    }

    private async Task<ApiError?> EndAsync(Caller caller, RunningResponse run, Task<LiveOutcome> running, bool isKept)
    {
        var outcome = await running.ConfigureAwait(false);
        run.Gateway.Bodies.Release(run.BodyBytes);
        if (outcome.End == LiveEnd.Stopping) isKept = false; // It is run again when the gateway starts.
        var error = run.End(caller, outcome);
        if (isKept) await FinishAsync(run.Gateway, run.State).ConfigureAwait(false);
        return error;
    }

    /// <summary>Before the caller is told: what was promised is done, whatever becomes of this process.</summary>
    /// <returns>What to answer when it cannot be kept.</returns>
    private async Task<ApiError?> KeepAsync(Caller caller, RunningResponse run, string requestId, CancellationToken aborted)
    {
        try
        {
            var row = new KeptResponse(run.State.Request, run.ClassName, requestId).Row(run.State, caller.Name);
            await store!.AcceptAsync(row, aborted).ConfigureAwait(false);
            return null;
        }
        catch (StorageException e)
        {
            GatewayLog.ResponseLost(run.Gateway.Log, e, run.State.Id);
            return new(503, "server_error", "storage_failed", "The store does not take it now; its answer could be lost.");
        }
        catch (OperationCanceledException)
        {
            return new(499, "invalid_request_error", "cancelled", "The caller left."); // Nobody was told of it.
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

    private async Task RunAgainAsync(
        GatewayServices gateway, Caller caller, KeptResponse kept, ResponseState state, CancellationToken cancel, CancellationToken stop)
    {
        var headers = new HeaderDictionary { ["x-sluice-class"] = kept.Class };
        for (var pause = s_pause; !stop.IsCancellationRequested; pause = pause * 2 < s_pauseMax ? pause * 2 : s_pauseMax)
        {
            // Its engines may join later than it is asked for.
            var wrong = ResponseCall.Describe(
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
}
