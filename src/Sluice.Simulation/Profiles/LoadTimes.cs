namespace Sluice.Simulation;

/// <summary>What it costs to bring a model's weights, or a sequence's KV, to where they are needed. Fixed times are
/// [assumed] round figures inside verified ranges; rates say where they come from.</summary>
public sealed record LoadTimes
{
    /// <summary>Starting an engine process: CUDA graphs and compiling take 15 to 40 s [R], a full restart with reload 30 to
    /// more than 100 s (verified text). 20 s [assumed].</summary>
    public TimeSpan ColdStartFixed { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>Taking one model out and another in, in a process that runs: 1.5 s [assumed].</summary>
    public TimeSpan WarmSwapFixed { get; init; } = TimeSpan.FromSeconds(1.5);

    /// <summary>Waking a sleeping engine whose weights are in host memory, without the copy: 0.3 s [assumed], of 0.1 to 6 s
    /// in all (verified text, vLLM blog 2025-10-26).</summary>
    public TimeSpan WakeFixed { get; init; } = TimeSpan.FromSeconds(0.3);

    /// <summary>Pageable host memory to each GPU [GB/s]: 3.4, verified (vllm-project/vllm-omni 4896: 79.35 GiB per rank in
    /// 25.4 s, PCIe Gen5, page cache hot).</summary>
    public double PageableGigabytesPerSecond { get; init; } = 3.4;

    /// <summary>Pinned host memory to each GPU [GB/s]: 20 and more [assumed], below what PCIe Gen4 gives [R].</summary>
    public double PinnedGigabytesPerSecond { get; init; } = 20;

    /// <summary>Downtime of a live migration: the last copy round, 20 to 30 ms [R] (Llumnix).</summary>
    public TimeSpan MigrationDowntime { get; init; } = TimeSpan.FromMilliseconds(25);

    /// <summary>A new engine: start, and weights read from disk. Example: 16.1 GB at 7 GB/s take 22.3 s.</summary>
    public TimeSpan ColdStart(EngineProfile profile, Link disk) =>
        ColdStartFixed + disk.TimeOf(profile.WeightGigabytes * 1e9);

    /// <summary>Another model into a running engine, weights from host memory; GPUs load their shares side by side.</summary>
    /// <param name="isPinned">Host memory is pinned; otherwise weights go through the page cache.</param>
    public TimeSpan WarmSwap(EngineProfile profile, bool isPinned) =>
        WarmSwapFixed + PerGpu(profile, isPinned ? PinnedGigabytesPerSecond : PageableGigabytesPerSecond);

    /// <summary>An engine that sleeps with its weights in pinned host memory.</summary>
    public TimeSpan Wake(EngineProfile profile) => WakeFixed + PerGpu(profile, PinnedGigabytesPerSecond);

    /// <summary>One sequence's KV to host memory or back; every GPU moves its share over its own link. Nobody else uses the
    /// links: several swaps at once share them.</summary>
    /// <remarks>Example: 1,000 tokens of Llama-2-7B, 524 MB, take 21 ms at 25 GB/s.</remarks>
    public static TimeSpan SwapSequence(EngineProfile profile, long tokens, Link pcie) =>
        pcie.TimeOf((double)tokens * profile.KvBytesPerToken / profile.TensorParallel);

    /// <summary>One sequence's KV to another engine while it decodes: its whole time on the link.</summary>
    /// <remarks>GPUs of a tensor-parallel engine send their shares side by side, each over its own link.</remarks>
    public static TimeSpan Migrate(EngineProfile profile, long tokens, Link link) =>
        link.TimeOf((double)tokens * profile.KvBytesPerToken / profile.TensorParallel);

    private static TimeSpan PerGpu(EngineProfile profile, double gigabytesPerSecond) =>
        TimeSpan.FromSeconds(profile.WeightGigabytes / profile.TensorParallel / gigabytesPerSecond);
}
