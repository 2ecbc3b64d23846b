using Sluice.Upstreams;

namespace Sluice.Gateway;

/// <summary>The engines of a running gateway, each with its keeper; they can come and go.</summary>
internal sealed class EngineSet(GatewayServices gateway) : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly List<Kept> _kept = [];
    private readonly CancellationTokenSource _stop = new();

    public IReadOnlyList<EngineEntry> All
    {
        get
        {
            lock (_gate) return [.. _kept.Select(k => k.Entry)];
        }
    }

    /// <returns>Completes when the engine was asked for the first time.</returns>
    public Task<bool> AddAsync(EngineEntry entry)
    {
        var keeper = new EngineKeeper(entry.Upstream, entry.PlacesMax, gateway.Loop, gateway.Options, gateway.Log);
        var stop = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        var first = keeper.ProbeAsync(stop.Token);
        var kept = new Kept(entry, keeper, stop, KeepAsync(keeper, first, stop.Token));
        lock (_gate) _kept.Add(kept);
        return first;
    }

    /// <summary>Takes no more requests there, waits until those that are there have ended, and forgets it.</summary>
    public async Task RemoveAsync(IUpstream upstream)
    {
        Kept? kept;
        lock (_gate)
        {
            kept = _kept.Find(k => ReferenceEquals(k.Entry.Upstream, upstream));
            if (kept is null) return;
            _kept.Remove(kept);
        }

        await kept.Stop.CancelAsync().ConfigureAwait(false); // Else its keeper would have it join again.
        await gateway.Loop.RetireAsync(upstream).ConfigureAwait(false);
        await EndAsync(kept).ConfigureAwait(false);
    }

    public void Doubt(IUpstream upstream)
    {
        lock (_gate) _kept.Find(k => ReferenceEquals(k.Entry.Upstream, upstream))?.Keeper.Doubt();
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        List<Kept> left;
        lock (_gate)
        {
            left = [.. _kept];
            _kept.Clear();
        }

        foreach (var kept in left) await EndAsync(kept).ConfigureAwait(false);
        _stop.Dispose();
    }

    private static async Task EndAsync(Kept kept)
    {
        await kept.Stop.CancelAsync().ConfigureAwait(false);
        await kept.Running.ConfigureAwait(false);
        kept.Stop.Dispose();
        await kept.Entry.Upstream.DisposeAsync().ConfigureAwait(false);
    }

    private static async Task KeepAsync(EngineKeeper keeper, Task first, CancellationToken stop)
    {
        await first.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await keeper.RunAsync(stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private sealed record Kept(EngineEntry Entry, EngineKeeper Keeper, CancellationTokenSource Stop, Task Running);
}
