using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>Many short, few very long: rank r of 1 … 2 × mean − 1 has probability ~ r^−alpha, and ranks are stretched so
/// that their mean is the one asked for; at most 6,144.</summary>
/// <remarks>Source: Llumnix (OSDI 2024), the S, M and L lengths of its artifact. The cap takes a little off the mean. One
/// search of log2(2 × mean) steps per draw.</remarks>
internal sealed class PowerLaw : Law
{
    private const double LongestTokens = 6144;

    private readonly double[] _cumulative;
    private readonly double _stretch;

    public PowerLaw(double mean, double alpha)
    {
        _cumulative = new double[(int)(2 * mean - 1)];
        var (weights, ranks) = (0.0, 0.0);
        for (var i = 0; i < _cumulative.Length; i++)
        {
            var weight = Math.Pow(i + 1, -alpha);
            weights += weight;
            ranks += weight * (i + 1);
            _cumulative[i] = weights;
        }

        _stretch = mean * weights / ranks;
    }

    /// <summary>Llumnix' exponents: 2.0 for a mean of 128, 1.5 for 256, 1.15 for 512; between them on a straight line over
    /// the mean, beyond them the nearest.</summary>
    public static double UsualAlpha(double mean) => mean switch
    {
        <= 128 => 2.0,
        <= 256 => 2.0 - 0.5 * (mean - 128) / 128,
        <= 512 => 1.5 - 0.35 * (mean - 256) / 256,
        _ => 1.15,
    };

    public override double Draw(ref Rng rng)
    {
        var found = Array.BinarySearch(_cumulative, rng.NextDouble() * _cumulative[^1]);
        var rank = (found >= 0 ? found + 1 : ~found) + 1; // The first sum above the draw; indices are from 0, ranks from 1.
        return Math.Min(Math.Min(rank, _cumulative.Length) * _stretch, LongestTokens);
    }
}
