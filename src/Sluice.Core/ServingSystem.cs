namespace Sluice.Core;

/// <summary>Where KV lives, for systems that run where we can choose it.</summary>
public enum KvKind
{
    /// <summary>Blocks, no sharing.</summary>
    Paged,

    /// <summary>Blocks, and full prompt blocks are found again by hash.</summary>
    PrefixCache,

    /// <summary>One contiguous range for the longest answer the model could give.</summary>
    ReserveMaximum,

    /// <summary>One contiguous range for the prompt and the true output rounded up to a power of two.</summary>
    ReservePowerOfTwo,

    /// <summary>One contiguous range for exactly what will be used.</summary>
    ReserveOracle,
}

/// <summary>What policies may be built from besides their settings.</summary>
/// <param name="TrueLength">True output length of a request [tokens], where the driver knows it; for oracles.</param>
/// <param name="Rng">The policies' own stream of randomness.</param>
/// <param name="Fleet">What the engines can do, where profiles exist.</param>
public sealed record PolicyContext(Func<Request, int>? TrueLength, Rng Rng, FleetInfo? Fleet = null);

/// <summary>One system, ready to run: what it does at each stage it has. Factories, because policies keep private state: one
/// scheduler per engine, one policy set per dispatcher.</summary>
public sealed record ServingSystem
{
    /// <summary>Name in the catalog, with the settings that differ from its defaults.</summary>
    public required string Name { get; init; }

    public required IterationFactory Iteration { get; init; }
    public required Func<PolicyContext, PolicySet> Policies { get; init; }
    public KvKind Kv { get; init; } = KvKind.Paged;

    /// <summary>How a reserving KV cache finds its ranges; means nothing to a paged one.</summary>
    public ReservationPolicy Ranges { get; init; } = ReservationPolicy.Buddy;
}
