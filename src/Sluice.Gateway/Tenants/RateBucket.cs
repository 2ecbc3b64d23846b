using System.Globalization;

namespace Sluice.Gateway;

/// <summary>A limit per minute as a bucket that fills evenly: a full minute's worth may be taken at once, and after that as much
/// as flows in. It may be overdrawn by what was not known beforehand; then it takes longer to fill. Not thread-safe.</summary>
internal sealed class RateBucket(long perMinute, TimeProvider time)
{
    private double _level = perMinute;
    private long _at = time.GetTimestamp();

    public long Limit => perMinute;

    /// <summary>What could be taken now.</summary>
    public long Remaining => Math.Max(0, (long)Level());

    /// <summary>Until it is full.</summary>
    public TimeSpan Reset => Until(perMinute);

    /// <summary>Until so much can be taken. More than the limit is never there; whoever asks for it waits for a full
    /// bucket.</summary>
    public TimeSpan Until(double amount) =>
        TimeSpan.FromMinutes(Math.Max(0, Math.Min(amount, perMinute) - Level()) / perMinute);

    /// <summary>Takes it, whether or not it is there; negative gives back.</summary>
    public void Take(double amount) => _level = Math.Min(perMinute, Level() - amount);

    /// <summary>As the clients expect durations: <c>12ms</c>, <c>1.5s</c>, <c>6m0s</c>.</summary>
    public static string Text(TimeSpan span)
    {
        if (span < TimeSpan.FromSeconds(1))
            return string.Create(CultureInfo.InvariantCulture, $"{Math.Ceiling(span.TotalMilliseconds):0}ms");
        return span < TimeSpan.FromMinutes(1)
            ? string.Create(CultureInfo.InvariantCulture, $"{span.TotalSeconds:0.###}s")
            : string.Create(CultureInfo.InvariantCulture, $"{(long)span.TotalMinutes}m{span.Seconds}s");
    }

    private double Level()
    {
        var now = time.GetTimestamp();
        _level = Math.Min(perMinute, _level + time.GetElapsedTime(_at, now).TotalMinutes * perMinute);
        _at = now;
        return _level;
    }
}
