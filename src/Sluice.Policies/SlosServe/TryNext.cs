using Sluice.Core;

namespace Sluice.Policies;

/// <summary>Engines in turn; one that declines a request is followed by the next, and the last has to take it.</summary>
/// <remarks>Source: SLOs-Serve (arXiv 2504.08784): each engine's own planner is the oracle, so that no load has to be measured.
/// Where no engine has room, requests wait first come, first served. O(engines) per try, no allocation once warm.</remarks>
/// <param name="triesMax">Engines asked for one request, at least 1; 0 for all.</param>
public sealed class TryNext(int triesMax, int engines) : IGlobalScheduler
{
    private readonly RoutedQueue _queue = new(new RoundRobin());
    private int _next;
    private int _decliner = -1; // Whose refusal the next request comes from.

    public int TriesMax { get; } = triesMax == 0 ? engines : Math.Min(triesMax, engines);

    public EngineId OnQueued(in QueuedRequest request, ClusterView view)
    {
        var count = view.Engines.Length;
        var from = _decliner >= 0 ? _decliner + 1 : _next++;
        _decliner = -1;
        for (var i = 0; i < count; i++)
        {
            ref readonly var engine = ref view.Engines[(from + i) % count];
            if (engine.CanTake(request.Request)) return engine.Id;
        }

        return _queue.OnQueued(in request, view);
    }

    public void OnOff(Request request, EngineId engine, EventKind how, int outputTokens, ClusterView view) =>
        _decliner = how is EventKind.Declined ? engine.Index : -1;

    public void OnWithdrawn(Request request, ClusterView view) => _queue.OnWithdrawn(request, view);

    public bool TryTake(EngineId engine, ClusterView view, out RequestId request) => _queue.TryTake(engine, view, out request);
}
