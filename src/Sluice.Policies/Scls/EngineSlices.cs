using Sluice.Core;

namespace Sluice.Policies;

/// <summary>A batch on its way through an engine.</summary>
internal struct Slice
{
    public EngineId Engine;
    public ModelId Model;

    /// <summary>Members that are not on the engine yet.</summary>
    public SlotList Waiting;

    /// <summary>Members on the engine.</summary>
    public int Running;

    /// <summary>When its first member went to the engine.</summary>
    public Instant BeganAt;

    /// <summary>Its estimate, which is taken off the engine's load when it returns.</summary>
    public double Seconds;
}

/// <summary>The batches given to each engine, first in, first out, and each engine's estimated work. Slots are reused.</summary>
internal sealed class EngineSlices
{
    private readonly List<int> _free = [];
    private Slice[] _slices = new Slice[16];
    private Queue<int>[] _queues = [];
    private double[] _load = [];
    private int _used;

    public ref Slice this[int slice] => ref _slices[slice];

    /// <summary>Estimated time of the batches given to an engine and not returned [s].</summary>
    public double LoadOf(EngineId engine) => _load[engine.Index];

    /// <summary>The batch an engine runs or runs next, or -1.</summary>
    public int HeadOf(EngineId engine) => _queues[engine.Index].TryPeek(out var slice) ? slice : -1;

    public void Ensure(int engines)
    {
        var old = _queues.Length;
        if (old >= engines) return;
        Array.Resize(ref _queues, engines);
        Array.Resize(ref _load, engines);
        for (var i = old; i < engines; i++) _queues[i] = new(16);
    }

    public int Give(EngineId engine, ModelId model, double seconds)
    {
        var slice = _used;
        if (_free.Count > 0)
        {
            slice = _free[^1];
            _free.RemoveAt(_free.Count - 1);
        }
        else if (_used++ == _slices.Length)
        {
            Array.Resize(ref _slices, _used * 2);
        }

        _slices[slice] = new() { Engine = engine, Model = model, Waiting = SlotList.Empty, BeganAt = Instant.Never, Seconds = seconds };
        _queues[engine.Index].Enqueue(slice);
        _load[engine.Index] += seconds;
        return slice;
    }

    /// <summary>Ends a batch that nobody is left in; those behind it may be empty too.</summary>
    public void EndIfEmpty(int slice)
    {
        var queue = _queues[_slices[slice].Engine.Index];
        while (queue.TryPeek(out var head) && _slices[head] is { Running: 0, Waiting.Count: 0 })
        {
            queue.Dequeue();
            var engine = _slices[head].Engine.Index;
            _load[engine] = queue.Count == 0 ? 0 : _load[engine] - _slices[head].Seconds; // Idle sheds rounding.
            _free.Add(head);
        }
    }

    /// <summary>Takes the members that have not begun on an engine out of its batches.</summary>
    /// <param name="except">Those for this model stay; null when the engine is gone.</param>
    /// <param name="taken">They are added to it, in order.</param>
    public void TakeBack(EngineId engine, ModelId? except, KnownRequests known, List<int> taken)
    {
        foreach (var slice in _queues[engine.Index])
        {
            if (_slices[slice].Model == except) continue;
            while (_slices[slice].Waiting.Count > 0)
            {
                taken.Add(_slices[slice].Waiting.First);
                known.Remove(ref _slices[slice].Waiting, taken[^1]);
            }
        }

        if (HeadOf(engine) is var head and >= 0) EndIfEmpty(head);
    }
}
