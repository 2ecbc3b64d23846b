using Sluice.Core;

namespace Sluice.Policies.Tests;

public sealed class SizeClassifierTests
{
    public static TheoryData<string> Models => [.. PrefillEstimate.Models.Select(m => m.Name)];

    [Fact]
    public void Estimates_are_the_published_lines_and_at_least_a_millisecond()
    {
        var models = PrefillEstimate.Models.ToDictionary(m => m.Name, m => m.Estimate);

        Assert.Equal(0.0386, models["llava-onevision-7b"].Of(A.Request(promptTokens: 1000)), 6);
        Assert.Equal(0.0501, models["llava-onevision-7b"].Of(Media(MediaKind.Image, 1, 1000)), 6);
        Assert.Equal(0.0479, models["llava-onevision-7b"].Of(Media(MediaKind.Image, 2, 1000)), 6); // Several are a video.
        Assert.Equal(0.001, models["gemma-4-31b"].Of(Media(MediaKind.Video, 1, 100)), 6);
    }

    [Theory, MemberData(nameof(Models))]
    public void Text_is_sand_an_image_is_not_and_a_long_video_is_a_rock(string model)
    {
        var estimate = PrefillEstimate.Models.First(m => m.Name == model).Estimate;
        var smart = new SizeClassifier(SizeRule.Smart, estimate);

        Assert.Equal(SizeClass.Sand, smart.Of(A.Request(promptTokens: 150)));
        Assert.Equal(SizeClass.Sand, smart.Of(A.Request(promptTokens: 1300))); // What the artifact calls long.
        Assert.NotEqual(SizeClass.Sand, smart.Of(Media(MediaKind.Image, 1, estimate.ImageTokens)));
        Assert.Equal(SizeClass.Rocks, smart.Of(Media(MediaKind.Video, 1, 32 * estimate.FrameTokens)));
    }

    /// <summary>The label says video; the size says that it is no more than an image.</summary>
    [Fact]
    public void A_short_clip_is_a_pebble()
    {
        var smart = new SizeClassifier(SizeRule.Smart, PrefillEstimate.Models[0].Estimate);

        Assert.Equal(SizeClass.Pebbles, smart.Of(Media(MediaKind.Video, 1, 4 * 196)));
    }

    /// <summary>Where a media token costs several times as much as one of text, long text stays sand.</summary>
    [Theory]
    [InlineData("llava-onevision-7b", false)]
    [InlineData("llava-onevision-72b", false)]
    [InlineData("qwen3.5-27b", true)]
    [InlineData("internvl3.5-38b", true)]
    [InlineData("gemma-4-31b", true)]
    public void Long_text_is_sand_only_where_media_cost_far_more(string model, bool isSand)
    {
        var smart = new SizeClassifier(SizeRule.Smart, PrefillEstimate.Models.First(m => m.Name == model).Estimate);

        Assert.Equal(isSand, smart.Of(A.Request(promptTokens: 8000)) is SizeClass.Sand);
    }

    [Fact]
    public void The_label_alone_takes_long_text_for_sand()
    {
        var naive = new SizeClassifier(SizeRule.Naive, PrefillEstimate.Models[0].Estimate);

        Assert.Equal(SizeClass.Sand, naive.Of(A.Request(promptTokens: 100_000)));
        Assert.Equal(SizeClass.Pebbles, naive.Of(Media(MediaKind.Image, 1, 10)));
        Assert.Equal(SizeClass.Rocks, naive.Of(Media(MediaKind.Image, 2, 10)));
        Assert.Equal(SizeClass.Rocks, naive.Of(Media(MediaKind.Video, 1, 10)));
    }

    [Fact]
    public void Three_clouds_are_three_classes_by_size()
    {
        (double, double)[] samples = [.. Cloud(1, 500), .. Cloud(0.01, 0), .. Cloud(0.2, 20)];
        var clusters = new SizeClusters(samples);

        Assert.All(Cloud(0.01, 0), x => Assert.Equal(SizeClass.Sand, clusters.Of(x.Item1, x.Item2)));
        Assert.All(Cloud(0.2, 20), x => Assert.Equal(SizeClass.Pebbles, clusters.Of(x.Item1, x.Item2)));
        Assert.All(Cloud(1, 500), x => Assert.Equal(SizeClass.Rocks, clusters.Of(x.Item1, x.Item2)));

        static IEnumerable<(double, double)> Cloud(double seconds, double tokens) =>
            Enumerable.Range(0, 20).Select(i => (seconds * (1 + i / 100.0), tokens * (1 + i / 50.0)));
    }

    private static Request Media(MediaKind kind, int items, int promptTokens) =>
        A.Request(promptTokens: promptTokens, media: new(kind, items, promptTokens - 1, TimeSpan.Zero));
}
