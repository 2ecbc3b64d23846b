using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Sluice.Upstreams;

namespace Sluice.Gateway;

/// <summary>An engine that the gateway is to use.</summary>
/// <param name="PlacesMax">Requests it may have at once; null for what it says, or the default.</param>
/// <param name="Spec">What it was made of, so that a reload finds it again; null for one that stays.</param>
public sealed record EngineEntry(IUpstream Upstream, int? PlacesMax = null, EngineSpec? Spec = null);

/// <summary>What a gateway is built from besides its options; all of it can be left out.</summary>
public sealed record GatewayParts
{
    public TimeProvider Time { get; init; } = TimeProvider.System;
    public ICallers? Callers { get; init; }

    /// <summary>Endpoints besides the OpenAI API's own: files and batches, metrics, dashboard.</summary>
    public IReadOnlyList<IEndpoints> Endpoints { get; init; } = [];

    /// <summary>Runs while the gateway does: workers, writers of journals.</summary>
    public IReadOnlyList<Func<GatewayServices, CancellationToken, Task>> Workers { get; init; } = [];

    public Action<ILoggingBuilder>? Logging { get; init; }

    /// <summary>Where background responses are kept; null for nowhere.</summary>
    public Storage.IResponseStore? Responses { get; init; }

    /// <summary>The caller of a tenant's name, for work that goes on when nobody calls.</summary>
    public Func<string, Caller> CallerOf { get; init; } = static name => Caller.Anybody with { Name = name };
}

/// <summary>Puts a gateway together: server, loop, keepers, endpoints.</summary>
public static class GatewayHost
{
    /// <returns>An application to start, with a <see cref="GatewayServices"/> among its services.</returns>
    /// <exception cref="Core.InputException">Something in the options cannot be.</exception>
    public static WebApplication Build(GatewayOptions options, IReadOnlyList<EngineEntry> engines, GatewayParts? parts = null)
    {
        parts ??= new();
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => Limit(kestrel, options));

        // An answer is sent by the thread that has it, and a request run by the one that read it: nothing here blocks, and a hop to
        // another thread costs more than what it would do (an eighth of the processor time of a short answer).
        builder.WebHost.UseSockets(static sockets => sockets.UnsafePreferInlineScheduling = true);
        builder.Services.AddRoutingCore();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = options.Drain + TimeSpan.FromSeconds(5));
        parts.Logging?.Invoke(builder.Logging);
        builder.Services.AddSingleton(provider =>
        {
            var logs = provider.GetRequiredService<ILoggerFactory>();
            var life = provider.GetRequiredService<IHostApplicationLifetime>();
            var log = logs.CreateLogger("sluice");
            var loop = new DispatcherLoop(options, parts.Time, fault =>
            {
                GatewayLog.Fault(log, fault);
                life.StopApplication();
            });
            return new GatewayServices(options, loop, parts.Callers ?? new OpenDoor(), log) { StartedAt = parts.Time.GetUtcNow() };
        });
        var shelf = new ResponseShelf();
        var background = new BackgroundResponses(parts.Responses, shelf, parts.CallerOf);
        var responses = new ResponseEndpoints(parts.Responses, shelf, background);
        builder.Services.AddSingleton<IHostedService>(provider =>
            new GatewayRunner(
                provider.GetRequiredService<GatewayServices>(), engines, [.. Workers(options, parts), background.ResumeAsync]));

        var app = builder.Build();
        var gateway = app.Services.GetRequiredService<GatewayServices>();
        app.Urls.Add($"http://{(options.Host.Contains(':') ? $"[{options.Host.Trim('[', ']')}]" : options.Host)}:{options.Port}");
        app.Use(next => context => OuterEdge.RunAsync(context, next, gateway));
        app.UseRouting();
        IEndpoints[] all =
        [
            new GenerationEndpoints(), responses, new ModelEndpoints(), new EstimateEndpoint(), new HealthEndpoints(),
            new ObservingEndpoints(),
            .. parts.Endpoints,
            new UnknownEndpoints(),
        ];
        foreach (var endpoints in all) endpoints.Map(app, gateway);
        return app;
    }

    private static List<Func<GatewayServices, CancellationToken, Task>> Workers(GatewayOptions options, GatewayParts parts)
    {
        var all = parts.Workers.ToList();
        if (options.JournalFolder is { } folder) all.Add((gateway, stop) => new JournalWriter(gateway, folder).RunAsync(stop));
        if (options.Telemetry is { } telemetry) all.Add((gateway, stop) => new Telemetry(gateway, telemetry).RunAsync(stop));
        return all;
    }

    private static void Limit(KestrelServerOptions kestrel, GatewayOptions options)
    {
        kestrel.AddServerHeader = false;
        kestrel.AllowSynchronousIO = false;
        kestrel.Limits.MaxRequestBodySize = null; // Counted where it is read, so that the error can be an OpenAI error.
        kestrel.Limits.MaxConcurrentConnections = options.ConnectionsMax;
        kestrel.Limits.MaxRequestHeaderCount = 100;
        kestrel.Limits.MaxRequestHeadersTotalSize = 32 << 10;
        kestrel.Limits.RequestHeadersTimeout = options.HeadersWithin;
        kestrel.Limits.MinRequestBodyDataRate = new(options.BodyBytesPerSecond, options.BodyGrace);
    }
}
