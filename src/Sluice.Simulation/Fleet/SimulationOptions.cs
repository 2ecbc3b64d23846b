using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>Makes an engine's KV cache.</summary>
/// <param name="workload">For caches that reserve by what they know of a request.</param>
public delegate IKvCache KvCacheFactory(EngineProfile profile, Workload workload);

/// <summary>The parts of one run that a system provides. Each factory is called once per run or once per engine, because
/// policies keep private state.</summary>
public sealed record SystemParts
{
    /// <summary>Name and settings, for tables.</summary>
    public required string Name { get; init; }

    public required Func<IIterationScheduler> Scheduler { get; init; }

    /// <param name="truth">True output length of a request, for oracles.</param>
    public required Func<Func<Request, int>, Rng, PolicySet> Policies { get; init; }

    public required KvCacheFactory KvCache { get; init; }
    public IReadOnlyList<string> Notes { get; init; } = [];
}

/// <summary>The fleet and the bounds of one run.</summary>
public sealed record SimulationOptions
{
    /// <summary>One profile per engine.</summary>
    public required IReadOnlyList<EngineProfile> Engines { get; init; }

    public EngineLimits Limits { get; init; } = new();

    /// <summary>Most requests outstanding on one engine; more wait in the dispatcher's queue.</summary>
    public int OutstandingMax { get; init; } = int.MaxValue;

    public ulong Seed { get; init; } = 42;

    /// <summary>Sorted by time.</summary>
    public IReadOnlyList<Fault> Faults { get; init; } = [];

    /// <summary>A caller leaves when the first token is not there after this long; null for patient callers.</summary>
    public TimeSpan? Patience { get; init; }
}
