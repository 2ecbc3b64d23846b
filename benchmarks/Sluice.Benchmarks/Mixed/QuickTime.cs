namespace Sluice.Benchmarks;

/// <summary>A clock that stands still while anybody works and jumps to the next timer when nobody does: minutes of a gateway with
/// paced engines pass in seconds, in the order in which they would pass.</summary>
/// <remarks>Work is what the thread pool has, and what <paramref name="isBusy"/> says of other threads. A message between two
/// sockets of this machine is neither, for some microseconds, so the pool has to be idle for several looks in a row. Where it
/// still jumps too early, something happens a step of an engine later than it would: runs repeat nearly, not exactly. A thread of
/// the pool that waits for ever, as a test host has one, is told from one that works by being there before the start.</remarks>
/// <param name="isBusy">Somebody works on a thread of their own, such as the store's writer.</param>
internal sealed class QuickTime(Func<bool> isBusy) : TimeProvider, IDisposable
{
    /// <summary>Looks in a row at which nobody may work, and the turns of a spin between two [about 10 µs].</summary>
    private const int Looks = 12, Turns = 300;

    private readonly Lock _lock = new();
    private readonly PriorityQueue<QuickTimer, (long At, long Order)> _timers = new();
    private int _waiting; // threads of the pool that did so before the start
    private long _ticks;
    private long _order;
    private volatile bool _isOver;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => Volatile.Read(ref _ticks);

    /// <summary>Begins on 1 January 2026.</summary>
    public override DateTimeOffset GetUtcNow() => new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero).AddTicks(GetTimestamp());

    /// <returns>Completes when time passes; nobody may work until then.</returns>
    public Task StartAsync()
    {
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        new Thread(() => Run(started)) { IsBackground = true, Name = "quick time" }.Start();
        return started.Task;
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new QuickTimer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    public void Dispose()
    {
        _isOver = true; // Its thread sees it soon.
    }

    private void Run(TaskCompletionSource started)
    {
        _waiting = int.MaxValue;
        for (var i = 0; i < 100 * Looks; i++)
        {
            _waiting = Math.Min(_waiting, Busy());
            Thread.SpinWait(Turns);
        }

        started.SetResult();
        while (!_isOver)
        {
            if (!IsQuiet())
            {
                Thread.Yield();
                continue;
            }

            if (Next() is { } timer) timer.Fire();
        }
    }

    private bool IsQuiet()
    {
        for (var i = 0; i < Looks; i++)
        {
            if (Busy() > _waiting || ThreadPool.PendingWorkItemCount > 0 || isBusy()) return false;
            Thread.SpinWait(Turns);
            Thread.Yield(); // On a busy machine whoever is about to work gets to it.
        }

        return true;
    }

    private static int Busy()
    {
        ThreadPool.GetMaxThreads(out var most, out _);
        ThreadPool.GetAvailableThreads(out var idle, out _);
        return most - idle;
    }

    /// <summary>Moves to the next timer that is due at all, and takes it out.</summary>
    private QuickTimer? Next()
    {
        lock (_lock)
        {
            while (_timers.TryDequeue(out var timer, out var due))
            {
                if (timer.Due != due) continue; // It was changed since.
                timer.Due = default;
                Volatile.Write(ref _ticks, Math.Max(_ticks, due.At));
                return timer;
            }

            return null;
        }
    }

    private sealed class QuickTimer(QuickTime time, TimerCallback callback, object? state) : ITimer
    {
        private long _period;

        /// <summary>When it fires and its number among equals; numbers begin at 1.</summary>
        public (long At, long Order) Due { get; set; }

        public void Fire()
        {
            if (_period > 0) Arm(_period);
            callback(state);
        }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            _period = period > TimeSpan.Zero ? period.Ticks : 0;
            lock (time._lock) Due = default;
            if (dueTime >= TimeSpan.Zero) Arm(dueTime.Ticks);
            return true;
        }

        public void Dispose()
        {
            lock (time._lock) Due = default;
            _period = 0;
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }

        private void Arm(long wait)
        {
            lock (time._lock)
            {
                Due = (time._ticks + wait, ++time._order);
                time._timers.Enqueue(this, Due);
            }
        }
    }
}
