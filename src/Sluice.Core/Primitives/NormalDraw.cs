namespace Sluice.Core;

/// <summary>Draws from the normal distribution.</summary>
public static class NormalDraw
{
    /// <summary>Mean 0; takes two numbers.</summary>
    /// <remarks>Source: Box and Muller (1958). The second value of the pair is dropped, so that no state is kept. The last bit may
    /// differ between platforms.</remarks>
    public static double NextNormal(this ref Rng rng, double deviation = 1) =>
        deviation * Math.Sqrt(-2 * Math.Log(1 - rng.NextDouble())) * Math.Cos(2 * Math.PI * rng.NextDouble());
}
