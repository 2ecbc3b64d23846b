namespace Sluice.Simulation.Tests;

public sealed class LoadTimesTests
{
    private static readonly EngineProfile s_small = ProfileCatalog.Find("llama-2-7b@a100");
    private static readonly EngineProfile s_large = ProfileCatalog.Find("llama-3.1-70b@a100:tp4");
    private readonly LoadTimes _times = new();

    [Fact]
    public void A_cold_start_reads_all_weights_from_disk()
    {
        Assert.Equal(20 + 13.5 / 7, _times.ColdStart(s_small, Links.NvmeGen4).TotalSeconds, 0.001);
        Assert.Equal(20 + 13.5 / 0.75, _times.ColdStart(s_small, Links.LocalDisk).TotalSeconds, 0.001);
    }

    [Fact]
    public void A_warm_swap_loads_each_GPUs_share_side_by_side()
    {
        Assert.Equal(1.5 + 13.5 / 3.4, _times.WarmSwap(s_small, isPinned: false).TotalSeconds, 0.001);
        Assert.Equal(1.5 + s_large.WeightGigabytes / 4 / 20, _times.WarmSwap(s_large, isPinned: true).TotalSeconds, 0.001);
        Assert.Equal(0.3 + s_large.WeightGigabytes / 4 / 20, _times.Wake(s_large).TotalSeconds, 0.001);
    }

    [Fact]
    public void A_thousand_tokens_swap_in_the_times_of_the_calibration()
    {
        Assert.Equal(0.1 + 21.0, LoadTimes.SwapSequence(s_small, 1000, Links.PcieOf("a100")).TotalMilliseconds, 0.05);
        Assert.Equal(0.1 + 5.24, LoadTimes.SwapSequence(ProfileCatalog.Find("llama-3.1-8b@a100"), 1000, Links.PcieGen4).TotalMilliseconds, 0.05);
        Assert.Equal(0.1 + 3.28, LoadTimes.SwapSequence(s_large, 1000, Links.PcieGen4).TotalMilliseconds, 0.05);
    }

    [Fact]
    public void A_migration_takes_as_long_as_its_link()
    {
        Assert.Equal(524.288 / 234, LoadTimes.Migrate(s_small, 1000, Links.NvLinkA100).TotalMilliseconds, 0.01);
        Assert.Equal(524.288 / 7.8 + 0.043, LoadTimes.Migrate(s_small, 1000, Links.NetworkA100).TotalMilliseconds, 0.01);
    }

    [Theory]
    [InlineData("a100", 25)]
    [InlineData("a100-40gb", 25)]
    [InlineData("rtx4090", 25)]
    [InlineData("h100", 50)]
    [InlineData("rtxpro6000", 50)]
    public void A_devices_PCIe_generation_is_known_and_profiles_agree_with_it(string device, double gigabytesPerSecond)
    {
        Assert.Equal(gigabytesPerSecond, Links.PcieOf(device).GigabytesPerSecond);
        Assert.All(
            ProfileCatalog.Entries.Where(p => p.Device == device),
            p => Assert.Equal(gigabytesPerSecond * p.TensorParallel, p.HostGigabytesPerSecond));
    }
}
