using Sluice.Upstreams;

namespace Sluice.Gateway;

/// <summary>Watches one engine: finds it, reads its reports, asks whether it lives when somebody doubts it, and finds it
/// again after it was gone.</summary>
internal sealed partial class EngineKeeper(
    IUpstream upstream, int? placesMax, DispatcherLoop loop, GatewayOptions options, ILogger log)
{
    /// <summary>Reports between two probes of an engine that gives no cause for doubt.</summary>
    private const int ReportsPerProbe = 15;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    private volatile TaskCompletionSource _doubt = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _isKnown;
    private bool _wasSaid;

    public IUpstream Upstream => upstream;

    /// <summary>Somebody has reason to believe that it is gone.</summary>
    public void Doubt() => _doubt.TrySetResult();

    public async Task RunAsync(CancellationToken stop)
    {
        var wait = options.ProbeEvery;
        while (!stop.IsCancellationRequested)
        {
            var isDoubted = _doubt.Task.IsCompleted;
            if (isDoubted) _doubt = new(TaskCreationOptions.RunContinuationsAsynchronously);
            if (await ProbeAsync(stop).ConfigureAwait(false))
            {
                if (isDoubted) await loop.TrustAsync(upstream).ConfigureAwait(false);
                wait = options.ProbeEvery;
                await StayAsync(stop).ConfigureAwait(false);
                continue;
            }

            await Task.Delay(wait, loop.Time, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            wait = wait * 2 < options.ProbeEveryMax ? wait * 2 : options.ProbeEveryMax;
        }
    }

    /// <summary>Asks once; it joins or leaves by what it answers.</summary>
    public async Task<bool> ProbeAsync(CancellationToken stop)
    {
        var isThere = await AskAsync(static (u, cancel) => u.ProbeAsync(cancel), stop).ConfigureAwait(false);
        if (stop.IsCancellationRequested) return false;
        if (!isThere)
        {
            if (_isKnown) LogLost(upstream.Name);
            else if (!_wasSaid) LogAbsent(upstream.Name);
            (_isKnown, _wasSaid) = (false, true);
            await loop.LeaveAsync(upstream).ConfigureAwait(false);
            return false;
        }

        if (await loop.JoinAsync(upstream, placesMax).ConfigureAwait(false) is { } problem) LogRefused(upstream.Name, problem);
        var capabilities = upstream.Capabilities;
        if (!_isKnown) LogJoined(upstream.Name, capabilities.Kind, string.Join(", ", capabilities.Models.Select(m => m.Name)));
        _isKnown = true;
        return true;
    }

    private async Task StayAsync(CancellationToken stop)
    {
        for (var i = 0; i < ReportsPerProbe && !stop.IsCancellationRequested && !_doubt.Task.IsCompleted; i++)
        {
            var pause = Task.Delay(options.ReportEvery, loop.Time, stop);
            if (upstream.Capabilities.HasMetrics &&
                await AskAsync(static (u, cancel) => u.ReportAsync(cancel), stop).ConfigureAwait(false) is { } report)
            {
                loop.Reported(upstream, report);
            }

            await Task.WhenAny(pause, _doubt.Task).ConfigureAwait(false);
        }
    }

    /// <summary>What an engine answers, or nothing when it does not in time.</summary>
    private async Task<T?> AskAsync<T>(Func<IUpstream, CancellationToken, Task<T>> question, CancellationToken stop)
    {
        using var patience = new CancellationTokenSource(s_patience, loop.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, stop);
        try
        {
            return await question(upstream, either.Token).ConfigureAwait(false);
        }
        catch (Exception)
        {
            return default; // Whatever went wrong with the engine: it does not answer.
        }
    }

    [LoggerMessage(LogLevel.Information, "engine {Name} joined ({Kind}): {Models}")]
    private partial void LogJoined(string name, UpstreamKind kind, string models);

    [LoggerMessage(LogLevel.Warning, "engine {Name} does not answer any more; its requests go elsewhere or wait")]
    private partial void LogLost(string name);

    [LoggerMessage(LogLevel.Warning, "engine {Name} does not answer yet; it joins when it does")]
    private partial void LogAbsent(string name);

    [LoggerMessage(LogLevel.Warning, "engine {Name}: {Problem}")]
    private partial void LogRefused(string name, string problem);
}
