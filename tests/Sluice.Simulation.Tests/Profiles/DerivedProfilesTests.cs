using Sluice.Core;

namespace Sluice.Simulation.Tests;

public sealed class DerivedProfilesTests
{
    private static EngineProfile A100 => ProfileCatalog.Find("llama-2-7b@a100");
    private static EngineProfile A10 => ProfileCatalog.Find("llama-2-7b@a10");

    [Fact]
    public void An_A10_reads_3_4_times_and_computes_2_5_times_as_long_as_an_A100()
    {
        var (fast, slow) = (A100.Coefficients, A10.Coefficients);

        Assert.Equal(2039 / 600.0, slow.D / fast.D, 1e-9);
        Assert.Equal(2039 / 600.0, slow.C / fast.C, 1e-9);
        Assert.Equal(312 / 125.0, slow.B / fast.B, 1e-9);
        Assert.Equal(312 / 125.0, slow.E / fast.E, 1e-9);
        Assert.Equal(436, slow.N0); // 320 tokens, by the quotient of both.
    }

    [Fact]
    public void The_hosts_share_of_a_step_does_not_depend_on_the_device()
    {
        const double host = 32 * 0.0241;

        Assert.Equal((A100.Coefficients.A - host) * 2039 / 600 + host, A10.Coefficients.A, 1e-9);
    }

    /// <summary>0.9 of 24 GB less 13.5 GB of weights and 1.24 GB leave 6.86 GB: 817 blocks of 16 tokens of 512 KiB.</summary>
    [Fact]
    public void An_A10_holds_the_KV_that_the_memory_formula_leaves_it()
    {
        Assert.Equal(817 * 16, A10.KvTokens);
    }

    [Fact]
    public void The_formula_gives_what_vLLM_was_seen_to_have_on_an_RTX_4090()
    {
        Assert.InRange(DerivedProfiles.KvTokens(25.25, 16.1, 131_072) / (2588 * 16.0), 0.99, 1.01);
    }

    [Fact]
    public void A_13B_model_does_not_fit_an_A10()
    {
        Assert.Null(DerivedProfiles.OnA10(ProfileCatalog.Find("llama-2-13b@a100"), layers: 40));
    }

    [Fact]
    public void A_derived_profile_says_that_it_is_none_that_was_measured()
    {
        Assert.StartsWith("Derived, not measured", A10.Origin, StringComparison.Ordinal);
        Assert.Null(A10.Fit);
    }
}
