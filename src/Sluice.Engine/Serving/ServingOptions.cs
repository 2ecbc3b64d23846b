using Sluice.Core;

namespace Sluice.Engine;

/// <summary>Bounds of an engine in process.</summary>
public sealed record ServingOptions
{
    /// <summary>Most tokens computed in one step, 1 to 65,536. Long steps delay whoever decodes; on processors a few hundred
    /// rows already keep the arithmetic busy.</summary>
    public int TokenBudget { get; init; } = 512;

    /// <summary>Most sequences that hold KV at once, 1 to 4,096.</summary>
    public int SequencesMax { get; init; } = 32;

    /// <summary>Blocks of host memory for swapping and for evicted sequences. On a processor it is the same memory, so it is
    /// small by default.</summary>
    public int HostBlocks { get; init; } = 64;

    /// <summary>Find equal beginnings of prompts and compute them once.</summary>
    public bool PrefixCache { get; init; } = true;

    /// <summary>Answers in the engine at once, waiting ones included; more are refused as busy. Bounds memory and the
    /// time that a caller waits for nothing.</summary>
    public int OutstandingMax { get; init; } = 1024;

    /// <summary>Blocks that a migration copies between two steps, so that the others hardly notice.</summary>
    public int ExportBlocksPerStep { get; init; } = 16;

    /// <summary>Names the weights: sequences move only between engines that agree on it.</summary>
    public ulong ModelKey { get; init; }

    /// <summary>Secret of the prefix cache's names; null for a random one.</summary>
    public (ulong, ulong)? HashKey { get; init; }

    /// <summary>Told of everything that happens, besides the callers.</summary>
    public IEventSink? Events { get; init; }
}
