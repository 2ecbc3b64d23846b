using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>Gives a share of requests an image or a video each.</summary>
/// <remarks>
/// Its tokens come on top of the drawn prompt length, which is the text's. Defaults: an image is 576 tokens (LLaVA-1.5, 336
/// pixels in patches of 14); a video is 6,272 (LLaVA-OneVision, 32 frames of 196). The preparation times, 20 ms and 500 ms,
/// are assumed.
/// </remarks>
internal sealed class MediaMix
{
    private readonly double _images;
    private readonly double _videos;
    private readonly MediaWork _image;
    private readonly MediaWork _video;
    private Rng _rng;

    /// <summary>Takes <c>images=</c>, <c>image-tokens=</c>, <c>image-prep=</c> and the same for <c>video</c>.</summary>
    /// <exception cref="InputException">A value is out of range, or the shares exceed 1 together.</exception>
    public MediaMix(Spec spec, Rng rng)
    {
        _rng = rng;
        _images = spec.Number("images", 0, 1, fallback: 0);
        _videos = spec.Number("video", 0, 1, fallback: 0);
        if (_images + _videos > 1) throw spec.Error("has images and video shares of over 1 together, expected at most 1");

        _image = Work(spec, MediaKind.Image, "image", tokens: 576, TimeSpan.FromMilliseconds(20));
        _video = Work(spec, MediaKind.Video, "video", tokens: 32 * 196, TimeSpan.FromMilliseconds(500));
    }

    /// <returns>Null for a request of text alone. The same object for all requests of a kind.</returns>
    public MediaWork? Draw()
    {
        if (_images + _videos == 0) return null;

        var u = _rng.NextDouble();
        return u < _images ? _image : u < _images + _videos ? _video : null;
    }

    private static MediaWork Work(Spec spec, MediaKind kind, string name, int tokens, TimeSpan preparation) => new(
        kind, Items: 1,
        spec.Count($"{name}-tokens", 1, 1_000_000, tokens),
        spec.Duration($"{name}-prep", preparation));
}
