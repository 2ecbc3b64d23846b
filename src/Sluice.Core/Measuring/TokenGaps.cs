namespace Sluice.Core;

/// <summary>Gaps between consecutive output tokens (ITL) of the sequences of one engine, counted without visiting any:
/// members of the decoding set share their gap, and those that joined since the last decode step are kept by the instant
/// of their newest token.</summary>
public sealed class TokenGaps
{
    private const double FemtosecondsPerMillisecond = 1e12;

    private readonly List<(EngineTime LastToken, int Count)> _newcomers = new(16);
    private EngineTime _lastToken;
    private int _settled;

    public LogHistogram Milliseconds { get; } = new();

    internal void Join(EngineTime lastToken)
    {
        for (var i = _newcomers.Count - 1; i >= 0; i--)
        {
            if (_newcomers[i].LastToken != lastToken) continue;
            _newcomers[i] = (lastToken, _newcomers[i].Count + 1);
            return;
        }

        _newcomers.Add((lastToken, 1));
    }

    /// <param name="isNewcomer">True if no decode step passed since the sequence joined.</param>
    /// <param name="joinedWith">Instant given to <see cref="Join"/>.</param>
    /// <returns>Instant of the sequence's newest token.</returns>
    internal EngineTime Leave(bool isNewcomer, EngineTime joinedWith)
    {
        if (!isNewcomer)
        {
            _settled--;
            Check.That(_settled >= 0);
            return _lastToken;
        }

        var at = _newcomers.Count - 1;
        while (_newcomers[at].LastToken != joinedWith) at--;
        if (_newcomers[at].Count == 1) _newcomers.RemoveAt(at);
        else _newcomers[at] = (joinedWith, _newcomers[at].Count - 1);
        return joinedWith;
    }

    /// <summary>A token that came out of a prefill after others, because the sequence had lost its blocks.</summary>
    internal void AddOne(EngineTime lastToken, EngineTime now) =>
        Milliseconds.Add(now.Since(lastToken) / FemtosecondsPerMillisecond);

    /// <summary>A run of decode steps, the first of which ends at <paramref name="firstEnd"/>; each further one takes
    /// <paramref name="second"/>, second + increment, second + 2 increments… femtoseconds.</summary>
    internal void Advance(EngineTime firstEnd, EngineTime lastEnd, long steps, long second, long increment)
    {
        if (_settled > 0) Milliseconds.Add(firstEnd.Since(_lastToken) / FemtosecondsPerMillisecond, _settled);
        foreach (var (lastToken, count) in _newcomers)
        {
            Milliseconds.Add(firstEnd.Since(lastToken) / FemtosecondsPerMillisecond, count);
            _settled += count;
        }

        _newcomers.Clear();
        _lastToken = lastEnd;
        if (steps > 1 && _settled > 0) AddRun(second, increment, steps - 1);
    }

    /// <summary>Adds an arithmetic progression bucket by bucket: its values rise slowly, so few buckets are met.</summary>
    private void AddRun(long first, long increment, long count)
    {
        while (count > 0)
        {
            var low = first / FemtosecondsPerMillisecond;
            var bucket = LogHistogram.BucketOf(low);
            var run = count;
            if (LogHistogram.BucketOf((first + increment * (run - 1)) / FemtosecondsPerMillisecond) != bucket)
            {
                // Largest run whose last value is still in the bucket, by bisection on the exact values.
                long inside = 1, outside = run;
                while (outside - inside > 1)
                {
                    var middle = (inside + outside) / 2;
                    var value = (first + increment * (middle - 1)) / FemtosecondsPerMillisecond;
                    if (LogHistogram.BucketOf(value) == bucket) inside = middle;
                    else outside = middle;
                }

                run = inside;
            }

            var high = (first + increment * (run - 1)) / FemtosecondsPerMillisecond;
            Milliseconds.AddRun(low, high, run * _settled);
            first += increment * run;
            count -= run;
        }
    }
}
