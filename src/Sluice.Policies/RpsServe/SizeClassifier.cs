using Sluice.Core;

namespace Sluice.Policies;

/// <summary>What the class of a request follows from.</summary>
public enum SizeRule
{
    /// <summary>Estimated prefill and media tokens.</summary>
    Smart,

    /// <summary>The label: text is sand, one image a pebble, a video or several images a rock.</summary>
    Naive,

    /// <summary>All are rocks: pure ageing.</summary>
    Dummy,
}

/// <summary>Sand, pebble or rock, once per request at its first step. O(1).</summary>
/// <remarks>Source: RPS-Serve (arXiv 2603.26498). Its clusters are fitted on traces of requests run alone, which are not published as
/// numbers; ours on a <see cref="Pool"/> of the same mean lengths.</remarks>
public sealed class SizeClassifier
{
    private readonly SizeRule _rule;
    private readonly PrefillEstimate _estimate;
    private readonly SizeClusters? _clusters;

    public SizeClassifier(SizeRule rule, PrefillEstimate estimate)
    {
        (_rule, _estimate) = (rule, estimate);
        if (rule is not SizeRule.Smart) return;
        _clusters = new([.. Pool(estimate).Select(p => (estimate.Of(p.Kind, p.PromptTokens), (double)p.MediaTokens))]);
    }

    public SizeClass Of(Request request) => _rule switch
    {
        SizeRule.Dummy => SizeClass.Rocks,
        SizeRule.Naive => PrefillEstimate.KindOf(request.Media) switch
        {
            MediaKind.None => SizeClass.Sand,
            MediaKind.Image => SizeClass.Pebbles,
            _ => SizeClass.Rocks,
        },
        _ => _clusters!.Of(_estimate.Of(request), request.Media?.EncoderTokens ?? 0),
    };

    /// <summary>Requests that the clusters are fitted on, a quarter each as in the artifact. Its runs of single requests have prompts
    /// of 300 tokens in the mean for text, 1,300 for long text, and one image or video with a few tokens of text. Log-uniform
    /// around a middle, within a factor of 8, 1.6, 1.2 and 2.8 [I].</summary>
    private static IEnumerable<(MediaKind Kind, int PromptTokens, int MediaTokens)> Pool(PrefillEstimate estimate) =>
    [
        .. Spread(150, 8).Select(t => (MediaKind.None, t, 0)),
        .. Spread(1250, 1.6).Select(t => (MediaKind.None, t, 0)),
        .. Spread(estimate.ImageTokens, 1.2).Select(t => (MediaKind.Image, t + 25, t)),
        .. Spread(11.3, 2.8).Select(frames => (MediaKind.Video, frames * estimate.FrameTokens + 100, frames * estimate.FrameTokens)),
    ];

    private static IEnumerable<int> Spread(double middle, double factor)
    {
        const int samples = 64;
        for (var i = 0; i < samples; i++) yield return (int)(middle * Math.Pow(factor, 2 * (i + 0.5) / samples - 1));
    }
}
