namespace Sluice.Testing;

/// <summary>A clock that stands still until a test moves it. Timers that fall due fire one after another on the test's own
/// thread, each at its own instant.</summary>
public sealed class ManualTime : TimeProvider
{
    private readonly Lock _lock = new();
    private readonly List<ManualTimer> _timers = [];
    private long _ticks;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => Volatile.Read(ref _ticks);

    /// <summary>Begins on 1 January 2026.</summary>
    public override DateTimeOffset GetUtcNow() => new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero).AddTicks(GetTimestamp());

    /// <summary>Moves on, and fires what falls due on the way, what that sets up included.</summary>
    public void Advance(TimeSpan span)
    {
        var until = GetTimestamp() + span.Ticks;
        while (Next(until) is { } timer)
        {
            Volatile.Write(ref _ticks, Math.Max(GetTimestamp(), timer.DueTicks));
            timer.Fire(GetTimestamp());
        }

        Volatile.Write(ref _ticks, until);
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new ManualTimer(this, callback, state);
        lock (_lock) _timers.Add(timer);
        timer.Change(dueTime, period);
        return timer;
    }

    private ManualTimer? Next(long until)
    {
        lock (_lock) return _timers.Where(t => t.DueTicks <= until).MinBy(t => t.DueTicks);
    }

    private sealed class ManualTimer(ManualTime time, TimerCallback callback, object? state) : ITimer
    {
        private long _dueTicks = long.MaxValue;
        private long _periodTicks;

        public long DueTicks => Volatile.Read(ref _dueTicks);

        public void Fire(long now)
        {
            Volatile.Write(ref _dueTicks, _periodTicks > 0 ? now + _periodTicks : long.MaxValue);
            callback(state);
        }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            _periodTicks = period <= TimeSpan.Zero ? 0 : period.Ticks;
            Volatile.Write(ref _dueTicks, dueTime < TimeSpan.Zero ? long.MaxValue : time.GetTimestamp() + dueTime.Ticks);
            return true;
        }

        public void Dispose()
        {
            lock (time._lock) time._timers.Remove(this);
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
