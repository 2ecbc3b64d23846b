using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>The fleet and the bounds of one run.</summary>
public sealed record SimulationOptions
{
    /// <summary>One per engine; a profile alone makes an engine with a device and a model of its own.</summary>
    public required IReadOnlyList<EngineSetup> Engines { get; init; }

    /// <summary>So many of the last engines are a reserve: switched off until the scheduler asks for more.</summary>
    public int SpareEngines { get; init; }

    /// <summary>From the wish for a spare engine to its first request: a server process starts and reads its weights.</summary>
    public TimeSpan StartUp { get; init; } = TimeSpan.FromSeconds(60);

    public EngineLimits Limits { get; init; } = new();

    /// <summary>Most requests outstanding on one engine; more wait in the dispatcher's queue.</summary>
    public int OutstandingMax { get; init; } = int.MaxValue;

    public ulong Seed { get; init; } = 42;

    /// <summary>Tokens per KV block.</summary>
    public int BlockTokens { get; init; } = 16;

    /// <summary>KV tokens per engine; null for what the profile says.</summary>
    public int? KvTokens { get; init; }

    /// <summary>Host memory for swapped-out KV, as a multiple of the engine's own KV.</summary>
    public double HostKvShare { get; init; } = 1;

    /// <summary>Longest sequence the model takes, which reservation to the maximum reserves [tokens].</summary>
    public int ModelTokensMax { get; init; } = 2048;

    public LoadTimes LoadTimes { get; init; } = new();

    /// <summary>What a migrating request's KV goes over.</summary>
    public Link MigrationLink { get; init; } = Links.NetworkH100;

    /// <summary>Models whose weights fit into an engine's host memory.</summary>
    public int WarmModelsMax { get; init; } = 4;

    /// <summary>Sorted by time.</summary>
    public IReadOnlyList<Fault> Faults { get; init; } = [];

    public ReaderModel Reader { get; init; } = new();

    /// <summary>A caller leaves when the first token is not there after this long; null for patient callers.</summary>
    public TimeSpan? Patience { get; init; }
}
