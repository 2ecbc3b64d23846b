namespace Sluice.Engine;

/// <summary>The angles by which positions turn queries and keys.</summary>
/// <remarks>Angle of pair i at position p: p / divisor · base^(−2i / dimensions) / factor(i), in double precision.</remarks>
internal sealed unsafe class Rope
{
    private readonly double[] _frequencies;

    public Rope(ModelConfig config, float* factors)
    {
        _frequencies = new double[config.RopeDimensions / 2];
        for (var i = 0; i < _frequencies.Length; i++)
        {
            var factor = factors is null ? 1.0 : factors[i];
            _frequencies[i] = Math.Pow(config.RopeBase, -2.0 * i / config.RopeDimensions) / factor / config.RopeDivisor;
        }
    }

    public int Pairs => _frequencies.Length;

    public void Angles(int position, float* cos, float* sin)
    {
        for (var i = 0; i < _frequencies.Length; i++)
        {
            var (s, c) = Math.SinCos(position * _frequencies[i]);
            (cos[i], sin[i]) = ((float)c, (float)s);
        }
    }
}
