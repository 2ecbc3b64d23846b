using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>The step time of an <see cref="EngineProfile"/>, in whole femtoseconds: every coefficient is rounded once, and
/// all that follows is integer arithmetic, equal on every platform.</summary>
public sealed class ClosedFormStepTime : IStepTimeModel, IModelRunner
{
    private const double FemtosecondsPerMillisecond = 1e12;

    private readonly long _a, _b, _c, _d, _halfE, _g, _m, _h, _encoder, _video, _swap;
    private readonly int _n0;
    private readonly long[] _experts; // by P + D, until all experts are touched

    public ClosedFormStepTime(EngineProfile profile)
    {
        var k = profile.Coefficients;
        _a = Whole(k.A);
        _b = Whole(k.B);
        _c = Whole(k.C);
        _d = Whole(k.D);
        _halfE = Whole(k.E / 2);
        _g = Whole(k.G);
        _m = Whole(k.M);
        _h = Whole(k.H);
        _n0 = k.N0;
        _encoder = Whole(profile.EncoderMillisecondsPerToken);
        _video = Whole(profile.VideoMillisecondsPerToken ?? profile.EncoderMillisecondsPerToken);
        _swap = Whole(profile.KvBytesPerToken / profile.HostGigabytesPerSecond / 1e6);
        _experts = ExpertShares(k);
    }

    public IStepTimeModel ClosedForm => this;
    public long PerContextToken => _d;

    public long Run(Batch batch) => StepTime(in batch.Shape);

    public long StepTime(in BatchShape shape)
    {
        var (prefill, decodes) = (shape.PrefillTokens, shape.DecodeSequences);
        var tokens = prefill + decodes;
        var time = _a + _b * prefill + _c * decodes + _d * shape.ContextTokens;
        if (tokens > _n0) time += _g * (tokens - _n0);
        if (_experts.Length > 0) time += _experts[Math.Min(tokens, _experts.Length - 1)];
        if (prefill > 0)
        {
            time += _halfE * shape.AttentionPairsTwice + _m * shape.ContextTokens;
            if (decodes > 0) time += _h;
        }

        return Math.Max(1, time + _encoder * shape.EncoderTokens + _video * shape.VideoTokens + _swap * shape.SwappedTokens);
    }

    private static long Whole(double milliseconds) => (long)Math.Round(milliseconds * FemtosecondsPerMillisecond);

    private static long[] ExpertShares(StepCoefficients k)
    {
        if (k.Experts == 0) return [];

        var untouched = 1 - k.TopK / (double)k.Experts;
        var length = 2 + (int)Math.Ceiling(Math.Log(1e-6) / Math.Log(untouched));
        var shares = new long[length];
        var left = 1.0;
        for (var tokens = 0; tokens < length; tokens++, left *= untouched) shares[tokens] = Whole(k.X * (1 - left));
        return shares;
    }
}
