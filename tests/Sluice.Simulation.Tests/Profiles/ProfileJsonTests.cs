using System.Text;
using Sluice.Core;

namespace Sluice.Simulation.Tests;

public sealed class ProfileJsonTests
{
    [Fact]
    public void What_is_left_out_has_its_default()
    {
        var profile = Assert.Single(Read(Profiles.One("Mine@GPU:tp2")));

        Assert.Equal(("mine@gpu:tp2", "mine", "gpu", 2), (profile.Name, profile.Model, profile.Device, profile.TensorParallel));
        Assert.Equal((1.3, 4.0), (profile.FirstTokenExtraIterations, profile.ApiOverheadMilliseconds));
        Assert.Null(profile.Fit);
        Assert.Null(profile.Points);
        Assert.Empty(profile.SeenRuns);
    }

    [Theory]
    [InlineData(""", "kvtokens": 5""", "unknown key 'kvtokens' (did you mean 'kvTokens'?)")]
    [InlineData(""", "fit": { "r2": 0.9, "mape": 2 }""", "'meanErrorPercent' is missing")]
    [InlineData(""", "fit": { "r2": 0.9, "meanErrorPercent": 2, "p99": 2 }""", "unknown key 'p99'")]
    [InlineData(""", "seenRuns": [1]""", "expected a list of texts")]
    [InlineData(""", "hostGigabytesPerSecond": 0""", "expected a number from 0.001")]
    [InlineData(""", "origin": "again" """, "no valid JSON")]
    public void What_is_wrong_is_named(string more, string message)
    {
        var e = Assert.Throws<InputException>(() => Read(Profiles.One("mine@gpu", more)));

        Assert.Contains(message, e.Message, StringComparison.Ordinal);
        Assert.StartsWith("my.json: ", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{ "a": 5, "b": 0.01, "c": 0.02, "d": 0.0001 }""", "'e' is missing")]
    [InlineData("""{ "a": -5, "b": 0.01, "c": 0.02, "d": 0.0001, "e": 0 }""", "coefficients: a: expected a number from 0")]
    [InlineData("""{ "a": "5", "b": 0.01, "c": 0.02, "d": 0.0001, "e": 0 }""", "got \"5\"")]
    [InlineData("""{ "a": 5, "b": 0.01, "c": 0.02, "d": 0.0001, "e": 0, "n0": 1.5 }""", "n0: expected a whole number")]
    [InlineData("""{ "a": 5, "b": 0.01, "c": 0.02, "d": 0.0001, "e": 0, "experts": 8 }""", "topK: expected 1 to 7")]
    [InlineData("""{ "a": 5, "b": 0.01, "c": 0.02, "d": 0.0001, "e": 0, "x": 8 }""", "experts: missing")]
    [InlineData("""[ 5 ]""", "expected an object")]
    public void Coefficients_are_checked_one_by_one(string coefficients, string message)
    {
        var e = Assert.Throws<InputException>(() => Read(Profiles.One("mine@gpu", coefficients: coefficients)));

        Assert.Contains(message, e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "no valid JSON")]
    [InlineData("[]", "expected an object")]
    [InlineData("""{ "schema": "sluice-engine-profile/1" }""", "expected 'sluice-profiles/1'")]
    [InlineData("""{ "schema": "sluice-profiles/1", "profiles": [] }""", "no profiles in it")]
    [InlineData("""{ "schema": "sluice-profiles/1", "profiles": {} }""", "expected a list")]
    [InlineData("""{ "schema": "sluice-profiles/1", "profiles": [], "note": 1 }""", "unknown key 'note'")]
    public void A_file_of_another_kind_is_refused(string text, string message)
    {
        var e = Assert.Throws<InputException>(() => Read(text));

        Assert.Contains(message, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_same_name_twice_is_refused()
    {
        var e = Assert.Throws<InputException>(() => Read(Profiles.Many(Profiles.Body("mine@gpu"), Profiles.Body("mine@gpu:tp1"))));

        Assert.Contains("mine@gpu is there twice", e.Message, StringComparison.Ordinal);
    }

    private static IReadOnlyList<EngineProfile> Read(string text) => ProfileJson.Read(Encoding.UTF8.GetBytes(text), "my.json");
}
