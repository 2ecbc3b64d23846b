using Sluice.Core;

namespace Sluice.Simulation.Tests;

public sealed class ProfileCatalogTests
{
    [Fact]
    public void Holds_thirty_fitted_profiles_eight_older_fits_and_a_derived_one()
    {
        var older = ProfileCatalog.Entries.Where(p => p.Name.EndsWith("-2023", StringComparison.Ordinal) || p.Model == "opt-13b");

        Assert.Equal(39, ProfileCatalog.Entries.Count);
        Assert.Equal(8, older.Count());
        Assert.Equal(
            ["a10", "a100", "a100-40gb", "b200", "h100", "h200", "rtx4090", "rtxpro6000"],
            ProfileCatalog.Entries.Select(p => p.Device).Distinct().Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Every_profile_says_where_it_comes_from_and_is_found_by_its_own_name()
    {
        foreach (var profile in ProfileCatalog.Entries)
        {
            Assert.Same(profile, ProfileCatalog.Find(profile.Name));
            Assert.NotEmpty(profile.Origin);
            Assert.True(profile.KvTokens > 0 && profile.WeightGigabytes > 0 && profile.Coefficients.A > 0, profile.Name);
        }
    }

    [Fact]
    public void Every_fitted_profile_states_its_quality()
    {
        var fitted = ProfileCatalog.Entries.Where(p => p.Model != "opt-13b" && p.Device != "a10").ToArray();

        Assert.Equal(36, fitted.Length);
        Assert.All(fitted, p => Assert.InRange(p.Fit!.R2, 0.85, 1));
        Assert.Equal(30, fitted.Count(p => p.Fit!.P95ErrorPercent is not null));
    }

    [Theory]
    [InlineData("llama-3.1-8b@a100", "llama-3.1-8b@a100")]
    [InlineData("llama-3.1-8b@a100:tp1", "llama-3.1-8b@a100")]
    [InlineData("Llama-3.1-8B@H100:TP2", "llama-3.1-8b@h100:tp2")]
    [InlineData(" llama-2-70b@a100:tp4-2023 ", "llama-2-70b@a100:tp4-2023")]
    public void A_name_may_leave_out_tp1_and_be_in_any_case(string asked, string found)
    {
        Assert.Equal(found, ProfileCatalog.Find(asked).Name);
    }

    [Fact]
    public void A_name_without_its_degree_lists_what_there_is_of_the_model()
    {
        var e = Assert.Throws<InputException>(() => ProfileCatalog.Find("codellama-34b@a100"));

        Assert.Contains("codellama-34b@a100:tp2, codellama-34b@h100:tp2", e.Message, StringComparison.Ordinal);
        Assert.Contains("did you mean 'codellama-34b@a100:tp2'?", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_mistyped_model_names_the_nearest()
    {
        var e = Assert.Throws<InputException>(() => ProfileCatalog.Find("lama-3.1-8b@a100"));

        Assert.Contains("did you mean 'llama-3.1-8b@a100'?", e.Message, StringComparison.Ordinal);
        Assert.Contains("mixtral-8x7b", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("llama-3.1-8b")]
    [InlineData("@a100")]
    [InlineData("llama-3.1-8b@")]
    [InlineData("llama@3.1@a100")]
    [InlineData("llama-3.1-8b@a100:2")]
    [InlineData("llama-3.1-8b@a100:tp0")]
    [InlineData("llama-3.1-8b@a100:tp4-")]
    [InlineData("llama-3.1-8b@a100:tp+4")]
    public void A_name_of_another_form_shows_the_form(string name)
    {
        var e = Assert.Throws<InputException>(() => ProfileCatalog.Find(name));

        Assert.Contains("expected MODEL@DEVICE[:tpN]", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_of_one_profile_is_found_by_its_path_and_one_of_several_by_its_name()
    {
        using var folder = new TempFolder();
        var one = folder.Write("one.json", Profiles.One("mine@gpu"));
        var two = folder.Write("two.json", Profiles.Many(Profiles.Body("mine@gpu"), Profiles.Body("mine@gpu:tp2")));

        Assert.Equal("mine@gpu", ProfileCatalog.Find(one).Name);
        Assert.Equal("mine@gpu:tp2", ProfileCatalog.Find(two + "#mine@gpu:tp2").Name);
        var e = Assert.Throws<InputException>(() => ProfileCatalog.Find(two));
        Assert.Contains("holds 2 profiles", e.Message, StringComparison.Ordinal);
        Assert.Throws<InputException>(() => ProfileCatalog.Find(two + "#mine@gpu:tp4"));
        Assert.Throws<InputException>(() => ProfileCatalog.Find(two + "-not-there.json"));
    }

    [Fact]
    public void Older_fits_join_prefill_and_decode_over_one_floor()
    {
        var k = ProfileCatalog.Find("llama-2-70b@a100:tp4-2023").Coefficients;
        var step = new ClosedFormStepTime(ProfileCatalog.Find("llama-2-70b@a100:tp4-2023"));

        var prefill = Milliseconds(step.StepTime(new BatchShape { PrefillTokens = 1024, AttentionPairsTwice = 1024 * 1024 }));
        var decode = Milliseconds(step.StepTime(new BatchShape { DecodeSequences = 8, ContextTokens = 8 * 600 }));

        Assert.Equal(13.1 + 0.2423 * 1024 + 1.5e-7 * 1024 * 512, prefill, 0.2);
        Assert.Equal(43.3 + 0.183 * 8 + 3.72e-4 * 4800, decode, 0.001);
        Assert.Equal(43.3, k.A);

        static double Milliseconds(long femtoseconds) => femtoseconds / 1e12;
    }
}
