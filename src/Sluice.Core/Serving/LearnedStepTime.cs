namespace Sluice.Core;

/// <summary>Step times learned from the steps an engine has taken, for engines without a fitted profile.</summary>
/// <remarks>
/// A Kalman filter over the coefficients of a + b·P + c·D + d·C + e·A (prefill tokens, decodes, context, attention pairs):
/// recursive least squares whose uncertainty never falls to nothing, so that it follows an engine that changes. Each step costs
/// some fifty multiplications. Before the first step everything takes 1 ms; with few different steps seen, the coefficients
/// are not to be read singly, only their sum near what was seen.
/// </remarks>
public sealed class LearnedStepTime : IStepTimeModel
{
    private const int Terms = 5;
    private const double FemtosecondsPerMillisecond = 1e12;

    /// <summary>Orders of magnitude of the terms, so that the coefficients are of one size [ms].</summary>
    private static readonly double[] s_scale = [1, 1e-2, 1e-2, 1e-4, 1e-6];

    private readonly double[] _k = new double[Terms];
    private readonly double[] _gain = new double[Terms];
    private readonly double[] _x = new double[Terms];
    private readonly double[,] _p = new double[Terms, Terms];
    private bool _hasSeen;

    public LearnedStepTime()
    {
        for (var i = 0; i < Terms; i++) _p[i, i] = 100;
    }

    public long PerContextToken => Math.Max(0, (long)(_k[3] * s_scale[3] * FemtosecondsPerMillisecond));

    public long StepTime(in BatchShape shape)
    {
        if (!_hasSeen) return (long)FemtosecondsPerMillisecond;
        Read(in shape);
        return Math.Max(1, (long)(Dot(_k) * FemtosecondsPerMillisecond));
    }

    /// <summary>A step was taken.</summary>
    /// <param name="femtoseconds">How long it took.</param>
    public void Observe(in BatchShape shape, long femtoseconds)
    {
        const double noise = 0.05; // Variance of a step's own jitter [ms²].
        Read(in shape);
        var error = femtoseconds / FemtosecondsPerMillisecond - Dot(_k);
        _hasSeen = true;
        var variance = noise;
        for (var i = 0; i < Terms; i++)
        {
            _gain[i] = 0;
            for (var j = 0; j < Terms; j++) _gain[i] += _p[i, j] * _x[j];
            variance += _gain[i] * _x[i];
        }

        for (var i = 0; i < Terms; i++)
        {
            _k[i] += _gain[i] / variance * error;
            for (var j = 0; j < Terms; j++) _p[i, j] -= _gain[i] * _gain[j] / variance;
            _p[i, i] = Math.Min(100, _p[i, i] + 1e-7); // Never sure, never lost.
        }
    }

    private void Read(in BatchShape shape)
    {
        _x[0] = 1;
        _x[1] = shape.PrefillTokens * s_scale[1];
        _x[2] = shape.DecodeSequences * s_scale[2];
        _x[3] = shape.ContextTokens * s_scale[3];
        _x[4] = shape.AttentionPairsTwice / 2.0 * s_scale[4];
    }

    private double Dot(double[] k)
    {
        var sum = 0.0;
        for (var i = 0; i < Terms; i++) sum += k[i] * _x[i];
        return sum;
    }
}
