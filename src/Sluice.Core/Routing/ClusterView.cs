namespace Sluice.Core;

/// <summary>What is known about one engine at the instant of the view.</summary>
/// <remarks>The dispatcher's own accounting is exact and gates actions. What the engine reports is advice, as old as its last
/// status.</remarks>
public record struct EngineSnapshot
{
    public EngineId Id { get; init; }

    /// <summary>The model it has loaded.</summary>
    public ModelId Model { get; set; }

    /// <summary>It can take requests: it is there, and not loading a model.</summary>
    public bool IsReady { get; set; }

    /// <summary>It is there.</summary>
    public bool IsPresent { get; set; }

    /// <summary>Models whose weights lie in its host memory, a bit each.</summary>
    public ulong WarmModels { get; set; }

    /// <summary>Models that it failed to load and is not to be asked for now, a bit each.</summary>
    public ulong FailedModels { get; set; }

    /// <summary>Most requests that may be outstanding on it at once.</summary>
    public int OutstandingMax { get; set; }

    /// <summary>Own accounting: dispatched and not yet ended.</summary>
    public int Outstanding { get; set; }

    /// <summary>Own accounting: prompt and predicted output tokens of what is outstanding.</summary>
    public double OutstandingTokens { get; set; }

    /// <summary>Reported: sequences in its batch.</summary>
    public int Running { get; set; }

    /// <summary>Reported: sequences waiting inside it.</summary>
    public int Waiting { get; set; }

    /// <summary>Reported: prompt tokens of those waiting inside it.</summary>
    public long WaitingTokens { get; set; }

    /// <summary>Reported, in KV blocks.</summary>
    public int FreeBlocks { get; set; }

    /// <summary>Reported, in KV blocks.</summary>
    public int TotalBlocks { get; set; }

    /// <summary>Reported: tokens per KV block.</summary>
    public int BlockTokens { get; set; }

    /// <summary>Reported: output tokens it produced since it came.</summary>
    public long OutputTokens { get; set; }

    public readonly int FreeSlots => IsReady ? OutstandingMax - Outstanding : 0;

    /// <summary>It did not fail to load the model just now.</summary>
    public readonly bool CanLoad(ModelId model) => (FailedModels >> model.Index & 1) == 0;

    public readonly bool CanTake(Request request) => FreeSlots > 0 && Model == request.Model;
}

/// <summary>The cluster at one instant. A ref struct: it cannot be stored, captured or awaited over.</summary>
public readonly ref struct ClusterView(Instant now, ReadOnlySpan<EngineSnapshot> engines, int queued)
{
    public Instant Now { get; } = now;

    /// <summary>All engines, indexed by <see cref="EngineId.Index"/>.</summary>
    public ReadOnlySpan<EngineSnapshot> Engines { get; } = engines;

    /// <summary>Requests accepted and not on any engine.</summary>
    public int Queued { get; } = queued;
}
