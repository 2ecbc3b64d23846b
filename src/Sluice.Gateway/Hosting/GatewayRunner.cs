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
        gateway.Loop.Suspected = gateway.Engines.Doubt;
        gateway.Loop.LoadProblem = (engine, model, problem) => GatewayLog.LoadFailed(gateway.Log, engine.Name, model, problem);
        var first = Task.WhenAll(engines.Select(gateway.Engines.AddAsync));
        await Task.WhenAny(first, Task.Delay(s_firstProbe, cancellationToken)).ConfigureAwait(false);
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
        if (_stop.IsCancellationRequested) return; // Told a second time.
        await _stop.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(_running).ConfigureAwait(false);
        gateway.Loop.Dispose();
        await gateway.Engines.DisposeAsync().ConfigureAwait(false);
    }

    public void Dispose() => _stop.Dispose();

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

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
