using Sluice.Core;
using Sluice.Simulation;

namespace Sluice.Upstreams;

/// <summary>One demo engine: which models it can run and how fast, and its bounds.</summary>
public sealed record PacedOptions
{
    public required string Name { get; init; }

    /// <summary>Models it can run; the first is loaded at the start.</summary>
    public required IReadOnlyList<EngineProfile> Models { get; init; }

    /// <summary>Its iteration scheduler and KV cache; the system's other stages are the gateway's.</summary>
    public required ServingSystem System { get; init; }

    /// <summary>Engine time that passes in a unit of real time, above 0: 10 shows ten minutes of serving in one.</summary>
    public double Speedup { get; init; } = 1;

    /// <summary>Bounds of a step. Steps are always taken singly, because each token is delivered when it is due.</summary>
    public EngineLimits Limits { get; init; } = new();

    /// <summary>Most calls held at once; the next is told that the engine is busy. 4,096: sixteen full batches.</summary>
    public int OutstandingMax { get; init; } = 4096;

    /// <summary>Mean length of an answer that nobody bounds [tokens]; single lengths are spread about it exponentially. 200
    /// is near the mean of published conversation traces.</summary>
    public int AnswerTokens { get; init; } = 200;

    /// <summary>KV tokens; null for what the profile says.</summary>
    public int? KvTokens { get; init; }

    public LoadTimes LoadTimes { get; init; } = new();

    /// <summary>Models whose weights stay in host memory after they were loaded once.</summary>
    public int WarmModelsMax { get; init; } = 4;

    /// <summary>Name under which clients see a profile's model.</summary>
    public static string ModelName(EngineProfile profile) => "demo/" + profile.Model;
}
