using System.Net;
using System.Reflection;
using Sluice.Core;

namespace Sluice.Gateway;

/// <summary>The dashboard at <c>/</c>, and the state it shows. Answers callers on this machine only, unless it is opened: it names
/// models, engines and requests of everybody.</summary>
public sealed class DashboardEndpoints(RequestStats stats, NotableEvents events) : IEndpoints
{
    /// <summary>Requests listed at once; the oldest come first.</summary>
    private const int RequestsMax = 500;

    private static readonly (string Path, string Resource, string Type)[] s_files =
    [
        ("/", "dashboard.index.html", "text/html; charset=utf-8"),
        ("/dashboard/app.js", "dashboard.app.js", "text/javascript; charset=utf-8"),
        ("/dashboard/style.css", "dashboard.style.css", "text/css; charset=utf-8"),
    ];

    public void Map(IEndpointRouteBuilder routes, GatewayServices gateway)
    {
        foreach (var (path, resource, type) in s_files)
        {
            var bytes = Read(resource);
            routes.MapGet(path, context => GuardAsync(context, gateway, () =>
            {
                context.Response.ContentType = type;
                context.Response.ContentLength = bytes.Length;
                context.Response.Headers.CacheControl = "no-cache";
                context.Response.Headers["content-security-policy"] =
                    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:";
                return context.Response.Body.WriteAsync(bytes, context.RequestAborted).AsTask();
            }));
        }

        routes.MapGet("/dashboard/state", context => GuardAsync(context, gateway, () => StateAsync(context, gateway)));
    }

    private async Task StateAsync(HttpContext context, GatewayServices gateway)
    {
        var groups = new List<QueuedGroup>();
        var snapshot = await gateway.Loop.SnapshotAsync(RequestsMax, groups).ConfigureAwait(false);
        context.Response.Headers.CacheControl = "no-store";
        await JsonAnswer.WriteAsync(
            context, json => DashboardState.Write(json, snapshot, groups, gateway, stats, events)).ConfigureAwait(false);
    }

    private static Task GuardAsync(HttpContext context, GatewayServices gateway, Func<Task> answer)
    {
        var isHere = context.Connection.RemoteIpAddress is not { } address || IPAddress.IsLoopback(address);
        return gateway.Options.IsDashboardOpen || isHere
            ? answer()
            : new ApiError(
                403, "permission_error", "dashboard_closed",
                "The dashboard answers callers on this machine only; 'dashboard: open' in the configuration opens it.").WriteAsync(context);
    }

    private static byte[] Read(string resource)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(resource)
            ?? throw new InvariantException($"{resource} is not in the assembly");
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }
}
