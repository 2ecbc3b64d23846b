namespace Sluice.Gateway;

/// <summary>The first steps of every request to files and batches: its id, and who sends it.</summary>
internal static class Door
{
    public static RequestDelegate Open(GatewayServices gateway, Func<HttpContext, Caller, Task<ApiError?>> handle) => async context =>
    {
        context.Response.Headers[AnswerHeaders.RequestId] = gateway.Ids.Of(context.Request);
        var caller = gateway.Callers.Find(context, out var error);
        if (caller is not null) error = await handle(context, caller);
        if (error is not null) await error.WriteAsync(context);
    };
}
