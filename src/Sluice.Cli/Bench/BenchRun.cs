using System.Diagnostics;
using Sluice.Core;
using Sluice.Simulation;

namespace Sluice.Cli;

/// <summary>Throws a workload at a server: each request at its time, never more at once than allowed.</summary>
public sealed class BenchRun(BenchOptions options, Workload workload, BenchCaller caller)
{
    private readonly BenchLog _log = new(workload);

    /// <param name="progress">Told the share ended, 0 to 1.</param>
    /// <param name="stop">Ends the run early: what is under way counts as not sent.</param>
    public async Task<BenchLog> RunAsync(Action<double>? progress, CancellationToken stop)
    {
        using var places = new SemaphoreSlim(Math.Min(options.ConcurrencyMax, workload.Requests.Length));
        var arrivals = Arrivals();
        var start = Stopwatch.GetTimestamp();
        var calls = new List<Task>(workload.Requests.Length);
        try
        {
            for (var i = 0; i < workload.Requests.Length; i++)
            {
                var request = workload.Requests[i];
                var body = caller.Body(request, workload.OutputTokens[i], workload.PrefixBlockTokens);
                var wait = arrivals[i] - Stopwatch.GetElapsedTime(start);
                if (wait > TimeSpan.Zero) await Task.Delay(wait, stop);
                if (options.ConcurrencyMax < int.MaxValue) await places.WaitAsync(stop);
                calls.Add(CallAsync(i, request, body, arrivals[i], start, places, progress, stop));
            }

            await Task.WhenAll(calls);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            _log.WasStopped = true;
            await Task.WhenAll(calls).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        _log.Duration = Stopwatch.GetElapsedTime(start);
        return _log;
    }

    private async Task CallAsync(
        int index, Request request, byte[] body, TimeSpan arrival, long start, SemaphoreSlim places, Action<double>? progress,
        CancellationToken stop)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
        patience.CancelAfter(options.Patience);
        var sent = Stopwatch.GetElapsedTime(start);
        var call = new BenchCall
        {
            Request = index,
            PromptTokens = request.PromptTokens,
            SentMilliseconds = sent.TotalMilliseconds,
            ClientQueueMilliseconds = Math.Max(0, (sent - arrival).TotalMilliseconds),
        };
        _log.Begin();
        try
        {
            call = await caller.CallAsync(
                body, request, call, (tokens, gap) => _log.AddTokens(Stopwatch.GetElapsedTime(start), tokens, gap), patience.Token);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            call.Error = $"no answer within {options.Patience.TotalSeconds:0} s";
        }
        catch (OperationCanceledException)
        {
            _log.Drop();
            return;
        }
        finally
        {
            if (options.ConcurrencyMax < int.MaxValue) places.Release();
        }

        _log.End(call);
        progress?.Invoke(_log.Calls.Count / (double)workload.Requests.Length);
    }

    private TimeSpan[] Arrivals()
    {
        var arrivals = new TimeSpan[workload.Requests.Length];
        if (options.Rate is not { } rate)
        {
            for (var i = 0; i < arrivals.Length; i++) arrivals[i] = workload.Requests[i].Arrival - default(Instant);
            return arrivals;
        }

        var rng = new Rng(42).Fork("bench arrivals");
        var at = 0.0;
        for (var i = 0; i < arrivals.Length; i++)
        {
            arrivals[i] = TimeSpan.FromSeconds(at);
            if (double.IsFinite(rate)) at += -Math.Log(1 - rng.NextDouble()) / rate;
        }

        return arrivals;
    }
}
