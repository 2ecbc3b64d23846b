using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Sluice.Storage;

namespace Sluice.Gateway;

/// <summary>Files and batches as parts of a gateway: endpoints, and what runs behind them.</summary>
public sealed class BatchFeature : IEndpoints
{
    private readonly Store _store;
    private readonly BatchOptions _options;
    private readonly Func<string, Caller> _callerOf;
    private readonly TimeProvider _time;
    private readonly TaskCompletionSource<BatchWorker> _worker = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private IHostApplicationLifetime? _life;

    /// <param name="store">Belongs to whoever made it; it must outlive the gateway.</param>
    /// <param name="callerOf">The caller of a tenant's name, for lines that run when their caller is long gone.</param>
    public BatchFeature(Store store, BatchOptions? options = null, Func<string, Caller>? callerOf = null, TimeProvider? time = null)
    {
        _store = store;
        _options = options ?? new();
        _callerOf = callerOf ?? (static name => new(new(0), name));
        _time = time ?? TimeProvider.System;
        Taken = store.Taken;
    }

    /// <summary>See <see cref="Store.Taken"/>.</summary>
    internal Task<StoreTakenException> Taken { get; init; }

    public void Map(IEndpointRouteBuilder routes, GatewayServices gateway)
    {
        var parts = new BatchParts(
            _store, _options, new LoopLineRunner(gateway, _callerOf), new(_options.LinesAtOnce), new(_time, _options.LearnedAfter),
            _time, gateway.Log);
        var worker = new BatchWorker(parts);
        new FileEndpoints(_store.Files, _options, _time).Map(routes, gateway);
        new BatchEndpoints(parts, worker).Map(routes, gateway);
        _life = routes.ServiceProvider.GetRequiredService<IHostApplicationLifetime>();
        _worker.SetResult(worker);
    }

    /// <summary>To be run with the gateway, see <see cref="GatewayParts.Workers"/>. Lines stop as soon as the gateway is told to:
    /// the time that answers get to end belongs to callers who wait for them.</summary>
    public async Task RunAsync(GatewayServices gateway, CancellationToken stop)
    {
        var worker = await _worker.Task.WaitAsync(stop);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, _life!.ApplicationStopping);
        try
        {
            await Task.WhenAll(
                worker.RunAsync(either.Token), new Housekeeping(_store, _options, _time, gateway.Log).RunAsync(either.Token),
                StopWhenTakenAsync(gateway, either.Token));
        }
        catch (OperationCanceledException) when (either.IsCancellationRequested)
        {
            // The next start goes on.
        }
    }

    /// <summary>What this gateway would still run, the one that has the store now runs too.</summary>
    private async Task StopWhenTakenAsync(GatewayServices gateway, CancellationToken stop)
    {
        var taken = await Taken.WaitAsync(stop);
        BatchLog.Taken(gateway.Log, taken.Message);
        _life!.StopApplication();
    }
}
