using Sluice.Core;

namespace Sluice.Policies;

public sealed record TokenMemoryAwareOptions
{
    /// <summary>Prompt tokens per second an engine is taken to compute before it was watched. [I]</summary>
    public double PrefillRate { get; init; } = 10_000;

    /// <summary>KV tokens per second an engine is taken to free before it was watched. [I]</summary>
    public double ReleaseRate { get; init; } = 1_000;

    /// <summary>Share that an older observation keeps at each new one, 0 to 1. [I]</summary>
    public double Memory { get; init; } = 0.99;

    /// <summary>Delays this close count as equal, as a ratio above 1: rates are estimates, and one that is a little high must
    /// not draw everything. [I]</summary>
    public double Tie { get; init; } = 1.2;
}

/// <summary>The engine expected to admit the request soonest, by the prompt tokens queued for it and by the KV memory it will
/// have freed.</summary>
/// <remarks>
/// Source: Kossmann et al., "Is the GPU Half-Empty or Half-Full?" (arXiv 2410.17840), SAL. The paper's expressions are not
/// known to us; this one is inferred [I]: delay = max(prompt tokens queued / prefill rate, KV tokens missing / release rate),
/// both rates observed while an engine has such work. Counts its own dispatches at once, so that a burst does not herd onto
/// one engine between two reports. Ties go to fewer outstanding, then to the lowest id. O(engines).
/// </remarks>
public sealed class TokenMemoryAware(TokenMemoryAwareOptions options) : IRouter
{
    private Watch[] _watches = [];

    public bool ReadsReports => true;

    public EngineId Pick(Request request, ClusterView view)
    {
        var best = EngineId.None;
        var least = (Delay: double.PositiveInfinity, Outstanding: int.MaxValue);
        foreach (ref readonly var engine in view.Engines)
        {
            if (!engine.CanTake(request)) continue;
            var load = (Delay: DelayOn(in engine, request), engine.Outstanding);
            if (IsBetter(load, least)) (best, least) = (engine.Id, load);
        }

        return best;
    }

    public void OnSent(Request request, EngineId engine, Instant now)
    {
        ref var watch = ref WatchOf(engine);
        if (watch.Sent++ == 0) watch.FreedAt = now;
        if (watch.QueuedTokens == 0) watch.PrefilledAt = now;
        watch.QueuedTokens += request.PromptTokens;
        watch.QueuedRequests++;
    }

    public void OnFirstToken(Request request, EngineId engine, Instant now)
    {
        ref var watch = ref WatchOf(engine);
        Dequeue(ref watch, request);
        watch.Prefill.Add(request.PromptTokens, now - watch.PrefilledAt, options.Memory);
        watch.PrefilledAt = now;
    }

    public void OnOff(Request request, EngineId engine, EventKind how, int outputTokens, Instant now)
    {
        ref var watch = ref WatchOf(engine);
        if (outputTokens == 0) Dequeue(ref watch, request);
        watch.Release.Add(request.PromptTokens + outputTokens, now - watch.FreedAt, options.Memory);
        watch.FreedAt = now;
        if (--watch.Sent == 0) (watch.QueuedTokens, watch.QueuedRequests) = (0, 0);
    }

    private bool IsBetter((double Delay, int Outstanding) load, (double Delay, int Outstanding) than) =>
        load.Outstanding < than.Outstanding ? load.Delay < than.Delay * options.Tie : load.Delay * options.Tie < than.Delay;

    private double DelayOn(in EngineSnapshot engine, Request request)
    {
        ref var watch = ref WatchOf(engine.Id);
        var wanted = watch.QueuedTokens + request.PromptTokens;
        var missing = wanted - (double)engine.FreeBlocks * engine.BlockTokens;
        return Math.Max(
            wanted / watch.Prefill.PerSecond(options.PrefillRate),
            Math.Max(0, missing) / watch.Release.PerSecond(options.ReleaseRate));
    }

    /// <remarks>A request that goes on elsewhere after an eviction may have shown its first token before.</remarks>
    private static void Dequeue(ref Watch watch, Request request)
    {
        if (watch.QueuedRequests == 0) return;
        watch.QueuedTokens = --watch.QueuedRequests == 0 ? 0 : Math.Max(0, watch.QueuedTokens - request.PromptTokens);
    }

    private ref Watch WatchOf(EngineId engine)
    {
        if (engine.Index >= _watches.Length) Array.Resize(ref _watches, Math.Max(engine.Index + 1, _watches.Length * 2));
        return ref _watches[engine.Index];
    }

    /// <summary>What was seen of one engine.</summary>
    private struct Watch
    {
        public long QueuedTokens;
        public int QueuedRequests;
        public int Sent;
        public Instant PrefilledAt;
        public Instant FreedAt;
        public Rate Prefill;
        public Rate Release;
    }

    /// <summary>Tokens over time, older observations fading.</summary>
    private struct Rate
    {
        private double _tokens;
        private double _seconds;

        public void Add(long tokens, TimeSpan span, double memory)
        {
            _tokens = _tokens * memory + tokens;
            _seconds = _seconds * memory + span.TotalSeconds;
        }

        public readonly double PerSecond(double unknown) => _tokens > 0 && _seconds > 0 ? _tokens / _seconds : unknown;
    }
}
