using Sluice.Core;

namespace Sluice.Policies;

/// <summary>Prefill time of a request on its own, encoder included: a line in its prompt's tokens, one per modality.</summary>
/// <remarks>Source: RPS-Serve (arXiv 2603.26498) and its artifact, fitted on an H100: least squares for text, the 0.9-quantile
/// for images and videos. Audio is not in the paper; it counts as one image or, several, as a video.</remarks>
/// <param name="Text">Intercept [ms] and slope [µs per token].</param>
/// <param name="ImageTokens">Of an image in the artifact's runs of single requests, mean.</param>
/// <param name="FrameTokens">Of a video's frame; its videos have 4 to 32, 18 in the mean.</param>
public sealed record PrefillEstimate(
    (double Milliseconds, double Microseconds) Text, (double Milliseconds, double Microseconds) Image,
    (double Milliseconds, double Microseconds) Video, int ImageTokens, int FrameTokens)
{
    /// <summary>Least estimate [s]; some intercepts are below 0.</summary>
    private const double Least = 0.001;

    /// <summary>The models of the paper; the first is the default.</summary>
    public static IReadOnlyList<(string Name, PrefillEstimate Estimate)> Models { get; } =
    [
        ("llava-onevision-7b", new((10.4, 28.2), (19.1, 31.0), (4.3, 43.6), 2750, 196)),
        ("llava-onevision-72b", new((140, 92.9), (5.0, 183), (36.7, 191), 2750, 196)),
        ("internvl3.5-38b", new((78.2, 45.0), (36.7, 202), (27.7, 210), 2450, 256)),
        ("qwen3.5-27b", new((35.3, 60.3), (46.7, 58.1), (70.8, 107), 295, 285)),
        ("gemma-4-31b", new((84.0, 50.6), (60.3, 76.6), (-176, 660), 270, 66)),
    ];

    /// <returns>Seconds, at least a millisecond.</returns>
    public double Of(Request request) => Of(KindOf(request.Media), request.PromptTokens);

    public double Of(MediaKind kind, int promptTokens)
    {
        var (milliseconds, microseconds) = kind switch { MediaKind.None => Text, MediaKind.Image => Image, _ => Video };
        return Math.Max(Least, milliseconds / 1e3 + microseconds / 1e6 * promptTokens);
    }

    /// <summary>Several images are estimated as a video.</summary>
    public static MediaKind KindOf(MediaWork? media) =>
        media is null or { Kind: MediaKind.None } or { Items: 0 } ? MediaKind.None
        : media.Kind is MediaKind.Video || media.Items > 1 ? MediaKind.Video
        : MediaKind.Image;
}
