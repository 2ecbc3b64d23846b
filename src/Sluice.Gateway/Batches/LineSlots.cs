namespace Sluice.Gateway;

/// <summary>Bounds what batches have with the dispatcher at once. Whoever's window ends first gets the next free
/// slot.</summary>
/// <remarks>A line takes one slot for each begun <see cref="SlotBytes"/>, so that memory is bounded too.</remarks>
internal sealed class LineSlots(int slots)
{
    public const int SlotBytes = 128 << 10;

    private readonly Lock _gate = new();
    private readonly PriorityQueue<Waiter, (long Deadline, long Number)> _waiting = new();
    private int _taken;
    private long _number;

    public int Free
    {
        get
        {
            lock (_gate) return slots - _taken;
        }
    }

    public int SlotsOf(int bytes) => Math.Min(slots, 1 + bytes / SlotBytes);

    /// <summary>Give them back with <see cref="Release"/>.</summary>
    public async Task TakeAsync(int count, long deadline, CancellationToken cancel)
    {
        Waiter waiter;
        lock (_gate)
        {
            if (_waiting.Count == 0 && slots - _taken >= count)
            {
                _taken += count;
                return;
            }

            waiter = new(count);
            _waiting.Enqueue(waiter, (deadline, _number++));
        }

        await using var registration = cancel.UnsafeRegister(static w => ((Waiter)w!).Granted.TrySetCanceled(), waiter);
        try
        {
            await waiter.Granted.Task;
        }
        catch (OperationCanceledException)
        {
            Grant(); // It may have held up somebody who needs less.
            throw;
        }
    }

    public void Release(int count)
    {
        lock (_gate) _taken -= count;
        Grant();
    }

    private void Grant()
    {
        lock (_gate)
        {
            while (_waiting.TryPeek(out var waiter, out _))
            {
                if (!waiter.Granted.Task.IsCompleted && slots - _taken < waiter.Count) return;
                _waiting.Dequeue();
                if (waiter.Granted.TrySetResult()) _taken += waiter.Count; // Else it left.
            }
        }
    }

    private sealed class Waiter(int count)
    {
        public int Count { get; } = count;

        public TaskCompletionSource Granted { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
