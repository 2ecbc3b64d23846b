namespace Sluice.Simulation;

/// <summary>A way for bytes to go: a fixed time per transfer and a rate. 1 GB is 10⁹ bytes.</summary>
public readonly record struct Link(TimeSpan Latency, double GigabytesPerSecond)
{
    /// <summary>Time to move <paramref name="bytes"/> when nobody else uses the link.</summary>
    public TimeSpan TimeOf(double bytes) => Latency + TimeSpan.FromSeconds(bytes / (GigabytesPerSecond * 1e9));
}

/// <summary>Links as found between and in machines that serve models. Each says whether its figure is verified (computed
/// from measurements, or seen in the source named), [R] (from memory) or [assumed].</summary>
public static class Links
{
    /// <summary>Two GPUs of a DGX A100: 4.7 µs + 234 GB/s. Verified: microsoft/vidur send_recv, up to 67 MB.</summary>
    public static Link NvLinkA100 => Microseconds(4.7, 234);

    /// <summary>Two GPUs of a DGX H100: 8.0 µs + 362 GB/s. Verified, as above.</summary>
    public static Link NvLinkH100 => Microseconds(8.0, 362);

    /// <summary>Between DGX A100 machines, one network card per GPU: 43 µs + 7.8 GB/s. Verified, as above.</summary>
    public static Link NetworkA100 => Microseconds(43, 7.8);

    /// <summary>Between DGX H100 machines, one network card per GPU: 7 µs + 34.5 GB/s. Verified, as above.</summary>
    public static Link NetworkH100 => Microseconds(7, 34.5);

    /// <summary>PCIe Gen4 x16, pinned memory, large copies: 25 GB/s of 32 nominal, [R] 24 to 26. The 0.1 ms is
    /// [assumed].</summary>
    public static Link PcieGen4 => Microseconds(100, 25);

    /// <summary>PCIe Gen5 x16, pinned memory, large copies: 50 GB/s of 64 nominal, [R] 50 to 55. The 0.1 ms is
    /// [assumed].</summary>
    public static Link PcieGen5 => Microseconds(100, 50);

    /// <summary>KV in a host-memory tier as BLIS defaults it: 20 GB/s. Verified in its settings, not measured.</summary>
    public static Link HostMemoryTier => Microseconds(100, 20);

    /// <summary>Prefill to decode engine as BLIS defaults it: 50 µs + 25 GB/s. Verified in its settings, not
    /// measured.</summary>
    public static Link PrefillToDecode => Microseconds(50, 25);

    /// <summary>NVMe Gen4, reading: 7 GB/s. Verified in BLIS's settings, not measured; the 0.1 ms is [assumed].</summary>
    public static Link NvmeGen4 => Microseconds(100, 7);

    /// <summary>A disk as one report shows it: a 67B model in about three minutes, 0.75 GB/s. Verified report,
    /// vllm-project/vllm 2233; the 0.1 ms is [assumed].</summary>
    public static Link LocalDisk => Microseconds(100, 0.75);

    /// <summary>Share of the PCIe rate left when KV goes as many 16-token blocks per layer and not as one batch: 0.4 to 0.7
    /// [assumed].</summary>
    public const double ScatteredBlocksShare = 0.55;

    /// <summary>PCIe of the devices we have profiles for: Gen4 for <c>a10</c>, <c>a100</c> and <c>rtx4090</c>, Gen5 for the
    /// others. Generations verified as nominal; rates as of <see cref="PcieGen4"/> and <see cref="PcieGen5"/>.</summary>
    public static Link PcieOf(string device) =>
        device.StartsWith("a10", StringComparison.Ordinal) || device == "rtx4090" ? PcieGen4 : PcieGen5;

    private static Link Microseconds(double latency, double gigabytesPerSecond) =>
        new(TimeSpan.FromMicroseconds(latency), gigabytesPerSecond);
}
