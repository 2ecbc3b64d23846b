namespace Sluice.Core;

/// <summary>A point on a run's own time line: 100 ns ticks since the run began.</summary>
/// <remarks>An integer, so comparing two instants never depends on rounding. Core has no clock; instants arrive with
/// events.</remarks>
public readonly record struct Instant(long Ticks) : IComparable<Instant>
{
    /// <summary>Later than every instant that can be reached.</summary>
    public static Instant Never => new(long.MaxValue);

    public double Seconds => Ticks / (double)TimeSpan.TicksPerSecond;

    /// <summary>The nearest instant; used where outside numbers come in, never in a decision.</summary>
    public static Instant FromSeconds(double seconds) => new((long)Math.Round(seconds * TimeSpan.TicksPerSecond));

    public int CompareTo(Instant other) => Ticks.CompareTo(other.Ticks);

    public static Instant operator +(Instant at, TimeSpan span) =>
        span == TimeSpan.MaxValue ? Never : new(checked(at.Ticks + span.Ticks));

    public static TimeSpan operator -(Instant later, Instant earlier) => new(later.Ticks - earlier.Ticks);
    public static bool operator <(Instant a, Instant b) => a.Ticks < b.Ticks;
    public static bool operator >(Instant a, Instant b) => a.Ticks > b.Ticks;
    public static bool operator <=(Instant a, Instant b) => a.Ticks <= b.Ticks;
    public static bool operator >=(Instant a, Instant b) => a.Ticks >= b.Ticks;
}
