namespace Sluice.Core;

/// <summary>A point on an engine's time line, finer than <see cref="Instant"/>: whole ticks and femtoseconds.</summary>
/// <remarks>A step's duration is a sum of small coefficients. Kept in integer femtoseconds, k steps taken one by one and k
/// steps taken at once end at exactly the same point, which is what lets the simulator skip.</remarks>
public readonly record struct EngineTime(long Ticks, long Femtoseconds)
{
    public const long FemtosecondsPerTick = 100_000_000;

    public Instant Instant => new(Ticks);

    public static EngineTime At(Instant at) => new(at.Ticks, 0);

    /// <param name="femtoseconds">0 to 9 × 10¹⁸ (about 2.5 hours).</param>
    public EngineTime Plus(long femtoseconds)
    {
        var sum = Femtoseconds + femtoseconds;
        var ticks = sum / FemtosecondsPerTick;
        return new(Ticks + ticks, sum - ticks * FemtosecondsPerTick);
    }

    /// <summary>Femtoseconds from <paramref name="earlier"/> to this; saturates at <see cref="long.MaxValue"/>.</summary>
    public long Since(EngineTime earlier)
    {
        var ticks = Ticks - earlier.Ticks;
        return ticks < long.MaxValue / FemtosecondsPerTick - 1
            ? ticks * FemtosecondsPerTick + (Femtoseconds - earlier.Femtoseconds)
            : long.MaxValue;
    }
}
