namespace Sluice.Upstreams;

/// <summary>Stops calls whose engine has gone silent. One timer looks at all calls of an engine, so that a token costs a
/// clock reading and no timer of its own.</summary>
internal sealed class CallWatch : IDisposable
{
    /// <summary>How late a silence may be noticed at most, as a part of the shortest allowed one; and at most a second.</summary>
    private const int LooksPerSilence = 8;

    private readonly TimeProvider _time;
    private readonly TimeSpan _period;
    private readonly ITimer _timer;
    private readonly Lock _lock = new();
    private readonly List<Watched> _calls = [];
    private bool _isLooking;

    public CallWatch(TimeProvider time, TimeSpan shortest)
    {
        var period = shortest / LooksPerSilence;
        (_time, _period) = (time, period < TimeSpan.FromSeconds(1) ? period : TimeSpan.FromSeconds(1));
        _timer = time.CreateTimer(_ => Look(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Watches a call that must show its first token within <paramref name="first"/>.</summary>
    public Watched Begin(TimeSpan first, CancellationToken cancel)
    {
        var call = new Watched(this, cancel);
        call.Expect(first);
        lock (_lock)
        {
            call.Place = _calls.Count;
            _calls.Add(call);
            if (!_isLooking) _timer.Change(_period, _period);
            _isLooking = true;
        }

        return call;
    }

    public void Dispose() => _timer.Dispose();

    private void Look()
    {
        List<Watched>? silent = null;
        lock (_lock)
        {
            if (_calls.Count == 0)
            {
                // Only now, so that calls that come and go one at a time do not wind the timer up each time.
                _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
                _isLooking = false;
            }

            var now = _time.GetTimestamp();
            foreach (var call in _calls)
                if (call.IsOverdue(now)) (silent ??= []).Add(call);
        }

        foreach (var call in silent ?? []) call.Stop();
    }

    private void End(Watched call)
    {
        lock (_lock)
        {
            if (call.Place < 0) return; // Told twice.
            // The last one takes its place, so that an end costs the same among a few calls and among thousands.
            var last = _calls[^1];
            _calls[call.Place] = last;
            last.Place = call.Place;
            _calls.RemoveAt(_calls.Count - 1);
            call.Place = -1;
        }
    }

    /// <summary>One call.</summary>
    internal sealed class Watched(CallWatch watch, CancellationToken cancel) : IDisposable
    {
        private readonly CancellationTokenSource _stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        private long _due = long.MaxValue;
        private long _left;
        private TimeSpan _allowed;

        /// <summary>In the watch's list; -1 when it has left.</summary>
        internal int Place { get; set; }

        /// <summary>Cancelled when the caller leaves or the engine is silent for too long.</summary>
        public CancellationToken Token => _stop.Token;

        /// <summary>What was allowed when the engine was found silent; null while it was not.</summary>
        public TimeSpan? Silence { get; private set; }

        /// <summary>It was stopped to go on later.</summary>
        public bool IsEvicted { get; private set; }

        /// <summary>Something must come within this time.</summary>
        public void Expect(TimeSpan within)
        {
            _allowed = within;
            Volatile.Write(ref _due, watch._time.GetTimestamp() + (long)(within.TotalSeconds * watch._time.TimestampFrequency));
        }

        /// <summary>It is the caller we wait for now, not the engine.</summary>
        public void Pause()
        {
            _left = _due - watch._time.GetTimestamp();
            Volatile.Write(ref _due, long.MaxValue);
        }

        /// <summary>The engine again, with the time it had left.</summary>
        public void Continue() => Volatile.Write(ref _due, watch._time.GetTimestamp() + _left);

        public bool IsOverdue(long now) => now > Volatile.Read(ref _due);

        public void Stop()
        {
            Silence = _allowed;
            Cancel();
        }

        public void Evict()
        {
            IsEvicted = true;
            Cancel();
        }

        private void Cancel()
        {
            try
            {
                _stop.Cancel();
            }
            catch (ObjectDisposedException)
            {
                // It ended just now.
            }
        }

        public void Dispose()
        {
            watch.End(this);
            _stop.Dispose();
        }
    }
}
