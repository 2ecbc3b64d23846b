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
/// numbers; ours on <see cref="Pool"/>.</remarks>
public sealed class SizeClassifier
{
    private readonly SizeRule _rule;
    private readonly PrefillEstimate _estimate;
    private readonly SizeClusters? _clusters;

    public SizeClassifier(SizeRule rule, PrefillEstimate estimate)
    {
        (_rule, _estimate) = (rule, estimate);
        if (rule is not SizeRule.Smart) return;
        _clusters = new([.. Pool.Select(p => (estimate.Of(p.Kind, p.PromptTokens), (double)p.MediaTokens))]);
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

    /// <summary>Requests that the clusters are fitted on, a quarter each [I]: text around 150 tokens, long text around 6,000, one
    /// image around 2,500 (LLaVA-OneVision takes up to 7,290), a video around 6,272 (32 frames of 196). Log-uniform, within a
    /// factor of 4, 2.5, 3 and 2 of these; media with 60 tokens of text.</summary>
    private static IEnumerable<(MediaKind Kind, int PromptTokens, int MediaTokens)> Pool =>
    [
        .. Spread(150, 4).Select(t => (MediaKind.None, t, 0)),
        .. Spread(6000, 2.5).Select(t => (MediaKind.None, t, 0)),
        .. Spread(2500, 3).Select(t => (MediaKind.Image, t + 60, t)),
        .. Spread(6272, 2).Select(t => (MediaKind.Video, t + 60, t)),
    ];

    private static IEnumerable<int> Spread(double middle, double factor)
    {
        const int samples = 64;
        for (var i = 0; i < samples; i++) yield return (int)(middle * Math.Pow(factor, 2 * (i + 0.5) / samples - 1));
    }
}
