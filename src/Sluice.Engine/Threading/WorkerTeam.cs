using System.Diagnostics;
using Sluice.Core;

namespace Sluice.Engine;

/// <summary>What a <see cref="WorkerTeam"/> does together.</summary>
internal interface ITeamWork
{
    /// <summary>Called once on every member, at the same time.</summary>
    /// <param name="member">0 (the thread that called <see cref="WorkerTeam.Run"/>) to the team's size − 1.</param>
    void Run(int member);
}

/// <summary>A fixed team of threads that go through the phases of one piece of work together. Who does what follows from the
/// member's number alone.</summary>
/// <remarks>A member that must wait spins for a moment, as phases are short and of equal length, and then parks, so that
/// neighbours on the machine get the core. One caller at a time. Allocates nothing once made.</remarks>
internal sealed class WorkerTeam : IDisposable
{
    /// <summary>A few times what waking a parked thread takes.</summary>
    private static readonly long s_spinTicks = Stopwatch.Frequency / 25_000; // 40 µs

    private readonly object _lock = new();
    private readonly Thread[] _threads;
    private ITeamWork? _work;
    private volatile Exception? _fault;
    private int _arrived;
    private int _phase;
    private int _parked;
    private volatile bool _stopped;

    /// <param name="size">Members, the caller among them, 1 to 256.</param>
    public WorkerTeam(int size)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(size, 256);
        Size = size;
        _threads = new Thread[size - 1];
        for (var i = 0; i < _threads.Length; i++)
        {
            var member = i + 1;
            _threads[i] = new Thread(() => Serve(member)) { IsBackground = true, Name = $"sluice compute {member}" };
            _threads[i].Start();
        }
    }

    public int Size { get; }

    /// <summary>Runs the work on all members and returns when all are done.</summary>
    /// <exception cref="InvariantException">A member failed earlier; the team cannot be used any more.</exception>
    public void Run(ITeamWork work)
    {
        Check.That(!_stopped && _fault is null);
        _work = work;
        try
        {
            Meet();
            work.Run(0);
            Meet();
        }
        catch (Exception e)
        {
            Fail(e);
            if (_fault != e) throw new InvariantException($"a compute thread failed: {_fault}");
            throw;
        }
        finally
        {
            _work = null;
        }
    }

    /// <summary>Returns when every member has called it.</summary>
    public void Meet()
    {
        if (Size == 1) return;
        var phase = Volatile.Read(ref _phase);
        if (Interlocked.Increment(ref _arrived) == Size)
        {
            _arrived = 0;
            Interlocked.Exchange(ref _phase, phase + 1);
            if (Volatile.Read(ref _parked) == 0) return;
            lock (_lock) Monitor.PulseAll(_lock);
            return;
        }

        if (!Spin(phase)) Park(phase);
        if (_fault is not null) throw new InvariantException("another compute thread failed");
    }

    public void Dispose()
    {
        if (_stopped) return;
        _stopped = true;
        if (_fault is null) Meet();
        foreach (var thread in _threads) thread.Join();
    }

    private bool Spin(int phase)
    {
        var start = Stopwatch.GetTimestamp();
        do
        {
            for (var i = 0; i < 16; i++)
            {
                if (Volatile.Read(ref _phase) != phase) return true;
                Thread.SpinWait(1);
            }
        }
        while (Stopwatch.GetTimestamp() - start < s_spinTicks && _fault is null);
        return false;
    }

    private void Park(int phase)
    {
        lock (_lock)
        {
            // Told before the phase is looked at, so that whoever moves it on after that look wakes this thread.
            Interlocked.Increment(ref _parked);
            while (Volatile.Read(ref _phase) == phase && _fault is null) Monitor.Wait(_lock);
            Interlocked.Decrement(ref _parked);
        }
    }

    private void Fail(Exception e)
    {
        Interlocked.CompareExchange(ref _fault, e, null);
        lock (_lock) Monitor.PulseAll(_lock);
    }

    private void Serve(int member)
    {
        try
        {
            while (true)
            {
                Meet();
                if (_stopped) return;
                _work!.Run(member);
                Meet();
            }
        }
        catch (Exception e)
        {
            Fail(e);
        }
    }
}
