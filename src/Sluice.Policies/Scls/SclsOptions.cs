using Sluice.Core;

namespace Sluice.Policies;

public enum SliceBatching
{
    /// <summary>The partition of least total time, by dynamic programming.</summary>
    Optimal,

    /// <summary>Sorted by length, a fixed number in each.</summary>
    Sorted,

    /// <summary>In order of arrival, a fixed number in each.</summary>
    Fixed,
}

public sealed record SclsOptions
{
    /// <summary>Tokens of a slice, S: a batch runs for so many and goes back to the pool. The paper's default is recalled as
    /// 128. [R]</summary>
    public int SliceTokens { get; init; } = 128;

    public SliceBatching Batches { get; init; } = SliceBatching.Optimal;

    /// <summary>Requests of a batch where it is not found by dynamic programming. [R]</summary>
    public int FixedSize { get; init; } = 16;

    /// <summary>Batches go to the engine with the least estimated work, the longest first; false for round robin.</summary>
    public bool MaxMin { get; init; } = true;

    /// <summary>Share of an engine's KV that a batch may need, ζ. [R]</summary>
    public double MemoryShare { get; init; } = 0.9;

    /// <summary>The next round comes after this share of the work of the least loaded engine, λ. [R]</summary>
    public double WaitShare { get; init; } = 0.5;

    /// <summary>And after no less than this, Γ. The paper waits 3 to 6 s for the engines of its day. [I]</summary>
    public TimeSpan WaitMin { get; init; } = TimeSpan.FromSeconds(0.5);

    internal static SclsOptions Read(PolicySettings s) => new()
    {
        SliceTokens = s.Whole("slice-tokens", "tokens of a slice", 128, 1, 1 << 20),
        Batches = s.Word("batches", "how a round's requests are batched", "optimal", "sorted", "fixed") switch
        {
            "sorted" => SliceBatching.Sorted,
            "fixed" => SliceBatching.Fixed,
            _ => SliceBatching.Optimal,
        },
        FixedSize = s.Whole("batch-size", "requests of a batch where it is not optimal", 16, 1, 1 << 16),
        MaxMin = s.Word("offload", "which engine takes a batch", "max-min", "round-robin") == "max-min",
        MemoryShare = s.Number("memory-share", "share of an engine's KV that a batch may need", 0.9, 0.01, 1),
        WaitShare = s.Number("wait-share", "wait between rounds, as a share of the least loaded engine's work", 0.5, 0, 1),
        WaitMin = TimeSpan.FromSeconds(s.Number("wait-min-s", "shortest wait between rounds [s]", 0.5, 0.001, 3600)),
    };
}
