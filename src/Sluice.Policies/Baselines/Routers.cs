using Sluice.Core;

namespace Sluice.Policies;

/// <summary>The next engine after the last one chosen that can take the request. O(engines skipped).</summary>
public sealed class RoundRobin : IRouter
{
    private int _next;

    public EngineId Pick(Request request, ClusterView view)
    {
        for (var tried = 0; tried < view.Engines.Length; tried++)
        {
            ref readonly var engine = ref view.Engines[_next];
            _next = _next + 1 == view.Engines.Length ? 0 : _next + 1;
            if (engine.CanTake(request)) return engine.Id;
        }

        return EngineId.None;
    }
}

/// <summary>Any engine that can take the request, all alike. O(1) expected while most can, at worst O(engines).</summary>
public sealed class RandomChoice(Rng rng) : IRouter
{
    private Rng _rng = rng;

    public EngineId Pick(Request request, ClusterView view)
    {
        var start = _rng.Next(view.Engines.Length);
        for (var i = 0; i < view.Engines.Length; i++)
        {
            ref readonly var engine = ref view.Engines[(start + i) % view.Engines.Length];
            if (engine.CanTake(request)) return engine.Id;
        }

        return EngineId.None;
    }
}

/// <summary>The engine with the fewest requests outstanding by own accounting; ties go to the lowest id.
/// O(engines).</summary>
public sealed class LeastOutstanding : IRouter
{
    public EngineId Pick(Request request, ClusterView view)
    {
        var best = EngineId.None;
        var least = int.MaxValue;
        foreach (ref readonly var engine in view.Engines)
        {
            if (engine.Outstanding >= least || !engine.CanTake(request)) continue;
            (best, least) = (engine.Id, engine.Outstanding);
        }

        return best;
    }
}

/// <summary>Samples two engines and takes the one with fewer requests outstanding.</summary>
/// <remarks>Source: Mitzenmacher, "The power of two choices in randomized load balancing" (2001). Ties go to the engine
/// sampled first. When neither can take the request, the least loaded one that can does. O(1) mostly.</remarks>
public sealed class TwoChoices(Rng rng) : IRouter
{
    private readonly LeastOutstanding _fallback = new();
    private Rng _rng = rng;

    public EngineId Pick(Request request, ClusterView view)
    {
        ref readonly var a = ref view.Engines[_rng.Next(view.Engines.Length)];
        ref readonly var b = ref view.Engines[_rng.Next(view.Engines.Length)];
        var (canA, canB) = (a.CanTake(request), b.CanTake(request));
        if (canA && (!canB || a.Outstanding <= b.Outstanding)) return a.Id;
        return canB ? b.Id : _fallback.Pick(request, view);
    }
}

/// <summary>The engine with the smallest share of its KV taken or asked for by those waiting in it, as it reports; ties go to
/// the fewest outstanding, then to the lowest id. O(engines).</summary>
public sealed class LeastKv : IRouter
{
    public bool ReadsReports => true;

    public EngineId Pick(Request request, ClusterView view)
    {
        var best = EngineId.None;
        var least = (Share: double.PositiveInfinity, Outstanding: int.MaxValue);
        foreach (ref readonly var engine in view.Engines)
        {
            if (!engine.CanTake(request)) continue;
            var asked = engine.TotalBlocks - engine.FreeBlocks + engine.WaitingTokens / (double)engine.BlockTokens;
            var load = (asked / engine.TotalBlocks, engine.Outstanding);
            if (load.CompareTo(least) < 0) (best, least) = (engine.Id, load);
        }

        return best;
    }
}
