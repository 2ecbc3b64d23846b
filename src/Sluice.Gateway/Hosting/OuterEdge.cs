using Sluice.Storage;

namespace Sluice.Gateway;

/// <summary>The outermost step of every request: what nobody caught becomes an error in OpenAI's shape.</summary>
internal static class OuterEdge
{
    /// <summary>A server that is started again takes about so long.</summary>
    private static readonly TimeSpan s_storeAgain = TimeSpan.FromSeconds(5);

    public static async Task RunAsync(HttpContext context, RequestDelegate next, GatewayServices gateway)
    {
        try
        {
            await next(context).ConfigureAwait(false);
        }
        catch (BadHttpRequestException e)
        {
            // The server's own limits: a sender too slow, a body that does not fit its length.
            await TryWriteAsync(context, new(e.StatusCode, "invalid_request_error", "bad_http", e.Message)).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // Nobody is there to be told.
        }
        catch (StorageException e)
        {
            GatewayLog.StoreFailed(gateway.Log, context.Request.Method, context.Request.Path, e.Message);
            await TryWriteAsync(context, new(503, "server_error", "storage_failed", "The store does not answer; try again.")
            {
                RetryAfter = s_storeAgain, ShouldRetry = true,
            }).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            GatewayLog.RequestFailed(gateway.Log, e, context.Request.Method, context.Request.Path);
            await TryWriteAsync(context, new(500, "server_error", "internal_error", "The gateway failed; its log says why."))
                .ConfigureAwait(false);
        }
    }

    private static async Task TryWriteAsync(HttpContext context, ApiError error)
    {
        if (context.Response.HasStarted)
        {
            context.Abort();
            return;
        }

        var id = context.Response.Headers[AnswerHeaders.RequestId];
        context.Response.Clear();
        context.Response.Headers[AnswerHeaders.RequestId] = id;
        await error.WriteAsync(context).ConfigureAwait(false);
    }
}
