using Microsoft.Extensions.Hosting;

namespace Sluice.Gateway;

/// <summary>Starts what runs beside the server, and stops it in order: no new requests, those under way end, then the
/// rest.</summary>
internal sealed class GatewayRunner(
    GatewayServices gateway, IReadOnlyList<EngineEntry> engines, IReadOnlyList<Func<GatewayServices, CancellationToken, Task>> workers)
    : IHostedLifecycleService, IDisposable
{
    /// <summary>The server waits for the engines' first answers for so long, so that the first caller finds them.</summary>
    private static readonly TimeSpan s_firstProbe = TimeSpan.FromSeconds(3);

    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(50);

    private readonly CancellationTokenSource _stop = new();
    private readonly List<Task> _running = [];

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var keepers = engines
            .Select(e => new EngineKeeper(e.Upstream, e.PlacesMax, gateway.Loop, gateway.Options, gateway.Log)).ToArray();
        gateway.Loop.Suspected = upstream => keepers.FirstOrDefault(k => ReferenceEquals(k.Upstream, upstream))?.Doubt();
        var first = Task.WhenAll(keepers.Select(k => k.ProbeAsync(_stop.Token)));
        await Task.WhenAny(first, Task.Delay(s_firstProbe, cancellationToken)).ConfigureAwait(false);
        foreach (var keeper in keepers) _running.Add(KeepAsync(keeper, first));
        foreach (var worker in workers) _running.Add(WorkAsync(worker));
        gateway.IsReady = true;
    }

    /// <summary>SIGTERM, or a bug: the server still listens, and answers 503.</summary>
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        gateway.Loop.StopAccepting();
        if (gateway.Loop.Live == 0) return;
        GatewayLog.Draining(gateway.Log, gateway.Loop.Live, gateway.Options.Drain.TotalSeconds);
        var time = gateway.Loop.Time;
        var begin = time.GetTimestamp();
        while (gateway.Loop.Live > 0 && !gateway.Loop.IsBroken && time.GetElapsedTime(begin) < gateway.Options.Drain &&
            !cancellationToken.IsCancellationRequested)
        {
            await Task.Delay(s_look, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        if (gateway.Loop.Live == 0) return;
        GatewayLog.GivenUp(gateway.Log, gateway.Loop.Live);
        gateway.Loop.CancelAll();
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(_running).ConfigureAwait(false);
        gateway.Loop.Dispose();
        foreach (var engine in engines) await engine.Upstream.DisposeAsync().ConfigureAwait(false);
    }

    public void Dispose() => _stop.Dispose();

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private async Task KeepAsync(EngineKeeper keeper, Task first)
    {
        await first.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await keeper.RunAsync(_stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task WorkAsync(Func<GatewayServices, CancellationToken, Task> worker)
    {
        try
        {
            await worker(gateway, _stop.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // It was told to stop.
        }
        catch (Exception e)
        {
            GatewayLog.WorkerFailed(gateway.Log, e);
        }
    }
}
