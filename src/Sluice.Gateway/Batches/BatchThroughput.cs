namespace Sluice.Gateway;

/// <summary>How many lines per second batches get done, learned while there was something to do.</summary>
/// <remarks>Lines and the time in which any line was under way, both fading with a half-life, so that a changed fleet is
/// noticed. It knows nothing of models or of the lengths of lines: a promise from it is as good as tomorrow's lines are like
/// today's.</remarks>
internal sealed class BatchThroughput(TimeProvider time, int learnedAfter)
{
    /// <summary>Ten minutes: some hundreds of lines on a small fleet.</summary>
    private const double HalfLifeSeconds = 600;

    private readonly Lock _gate = new();
    private double _lines, _seconds;
    private long _seen, _at;
    private int _underWay;

    /// <summary>Null while too little is known.</summary>
    public double? LinesPerSecond
    {
        get
        {
            lock (_gate)
            {
                Advance();
                return _seen >= learnedAfter && _seconds > 0 ? _lines / _seconds : null;
            }
        }
    }

    public void Began()
    {
        lock (_gate)
        {
            Advance();
            _underWay++;
        }
    }

    /// <param name="isDone">False if it has to be run again.</param>
    public void Ended(bool isDone)
    {
        lock (_gate)
        {
            Advance();
            _underWay--;
            if (!isDone) return;
            _lines++;
            _seen++;
        }
    }

    private void Advance()
    {
        var now = time.GetTimestamp();
        if (_underWay > 0)
        {
            var passed = time.GetElapsedTime(_at, now).TotalSeconds;
            var faded = Math.Pow(0.5, passed / HalfLifeSeconds);
            _lines *= faded;
            _seconds = _seconds * faded + passed;
        }

        _at = now;
    }
}
