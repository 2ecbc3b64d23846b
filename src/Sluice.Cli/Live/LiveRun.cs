using Sluice.Core;
using Sluice.Engine;
using Sluice.Simulation;

namespace Sluice.Cli;

/// <summary>Sends a workload to a model in real time: every request at its arrival, with a random prompt of its length, and an
/// answer of exactly its length.</summary>
/// <remarks>Latencies count from the arrival, wherever the engine was in its step then, as the simulator counts them.</remarks>
internal sealed class LiveRun
{
    private readonly OpenModel _model;
    private readonly Workload _workload;
    private readonly RequestLog _log;
    private long _startTicks;
    private int _ended;

    public LiveRun(OpenModel model, Workload workload)
    {
        (_model, _workload, _log) = (model, workload, new(workload.Requests.Length));
        _startTicks = model.Loop.Now.Ticks;
    }

    /// <param name="progress">Told the share done, 0 to 1.</param>
    /// <param name="idle">Called whenever nothing is left to compute, with the time until the next arrival.</param>
    /// <returns>The run as the simulator would have written it down.</returns>
    public RunResult Run(string system, Action<double>? progress, Action<TimeSpan>? idle, CancellationToken stop)
    {
        var loop = _model.Loop;
        var (iterations, prefill) = (loop.Core.Iterations, loop.Core.PrefillTokens);
        _startTicks = loop.Now.Ticks;
        for (var next = 0; _ended < _workload.Requests.Length;)
        {
            stop.ThrowIfCancellationRequested();
            while (next < _workload.Requests.Length && ArrivalOf(next) <= loop.Now.Ticks) Submit(next++);
            if (loop.Step()) continue;
            progress?.Invoke(_ended / (double)_workload.Requests.Length);
            if (next == _workload.Requests.Length) continue;
            idle?.Invoke(TimeSpan.FromTicks(ArrivalOf(next) - loop.Now.Ticks));
            WaitUntil(ArrivalOf(next));
        }

        return new()
        {
            System = system,
            Workload = _workload,
            Settings = [],
            Engines = 1,
            Devices = 1,
            Log = _log,
            ItlMilliseconds = loop.Core.Gaps.Milliseconds,
            Series = new(TimeSpan.TicksPerSecond),
            Iterations = loop.Core.Iterations - iterations,
            PrefillTokens = loop.Core.PrefillTokens - prefill,
            Fingerprint = 0,
            End = new(loop.Now.Ticks - _startTicks),
            Wall = new(loop.Now.Ticks - _startTicks),
        };
    }

    private long ArrivalOf(int request) => _startTicks + _workload.Requests[request].Arrival.Ticks;

    private void Submit(int index)
    {
        var request = _workload.Requests[index];
        var rng = new Rng((ulong)index).Fork("prompt");
        var prompt = new int[request.PromptTokens];
        foreach (ref var token in prompt.AsSpan()) token = rng.Next(_model.Transformer.Vocabulary);
        _log.Arrival[index] = request.Arrival.Ticks;
        var refusal = _model.Loop.TrySubmit(new()
        {
            Prompt = prompt,
            MaxOutputTokens = _workload.OutputTokens[index],
            Chooser = _ => new SamplingChooser(
                _model.Text.Tokenizer, SamplingOptions.Greedy with { IgnoresEnd = true }, givesText: false),
            Sink = new Sink(this, index),
            Priority = request.Priority,
            Slo = request.Slo,
        }, out _);
        if (refusal == Refusal.None) return;
        (_log.Outcome[index], _log.Ended[index]) = (Outcome.Failed, request.Arrival.Ticks);
        _ended++;
    }

    private void End(int index, in AnswerEnd end)
    {
        _log.FirstToken[index] = end.FirstTokenAt.Ticks - _startTicks;
        _log.Ended[index] = end.EndedAt.Ticks - _startTicks;
        _log.OutputTokens[index] = end.OutputTokens;
        _log.Outcome[index] = end.Reason is EndReason.Length or EndReason.Stop ? Outcome.Finished : Outcome.Failed;
        _log.Preemptions[index] = (ushort)end.Preemptions;
        _ended++;
    }

    /// <summary>Sleeps most of the time and looks at the clock for the last millisecond.</summary>
    private void WaitUntil(long ticks)
    {
        var left = TimeSpan.FromTicks(ticks - _model.Loop.Now.Ticks) - TimeSpan.FromMilliseconds(1);
        if (left > TimeSpan.Zero) Thread.Sleep(left);
        while (_model.Loop.Now.Ticks < ticks) Thread.SpinWait(20);
    }

    private sealed class Sink(LiveRun run, int index) : IGenerationSink
    {
        public void OnToken(int sample, in TokenChoice token)
        {
        }

        public void OnEnd(int sample, in AnswerEnd end) => run.End(index, in end);
    }
}
