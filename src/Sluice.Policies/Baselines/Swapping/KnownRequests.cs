using Sluice.Core;

namespace Sluice.Policies;

/// <summary>A live request as a scheduler with its own queue knows it.</summary>
internal struct KnownRequest
{
    public QueuedRequest Queued;

    /// <summary>The engine it is on; none while it waits.</summary>
    public EngineId Engine;

    /// <summary>KV tokens charged to its engine: prompt and half of what is still to come, the mean over its time
    /// there.</summary>
    public double KvTokens;

    /// <summary>Group it is planned with, where there are groups.</summary>
    public int Group;

    /// <summary>Its eviction was asked for and is not confirmed.</summary>
    public bool IsLeaving;

    public int Next, Previous; // in the one list it is in

    public readonly Request Request => Queued.Request;
}

/// <summary>First and last of a list that runs through <see cref="KnownRequests"/>.</summary>
internal struct SlotList
{
    public int First, Last, Count;

    public static SlotList Empty => new() { First = -1, Last = -1 };
}

/// <summary>Live requests in slots that are reused, and lists through them. Every operation is O(1) but the one that says
/// otherwise; none allocates once warm.</summary>
internal sealed class KnownRequests
{
    private readonly IdMap _slots = new();
    private readonly List<int> _free = new(64);
    private KnownRequest[] _known = new KnownRequest[64];
    private int _used;

    public ref KnownRequest this[int slot] => ref _known[slot];

    public int SlotOf(Request request)
    {
        var isKnown = _slots.TryGet(request.Id, out var slot);
        Check.That(isKnown);
        return slot;
    }

    public int Add(in QueuedRequest queued)
    {
        var slot = _used;
        if (_free.Count > 0)
        {
            slot = _free[^1];
            _free.RemoveAt(_free.Count - 1);
        }
        else if (_used++ == _known.Length)
        {
            Array.Resize(ref _known, _used * 2);
        }

        var left = Math.Max(1, queued.Predicted.Mean - queued.OutputTokens);
        _known[slot] = new()
        {
            Queued = queued,
            Engine = EngineId.None,
            KvTokens = queued.Request.PromptTokens + queued.OutputTokens + left / 2,
            Next = -1,
            Previous = -1,
        };
        _slots.Add(queued.Request.Id, slot);
        return slot;
    }

    public void Forget(int slot)
    {
        _slots.Remove(_known[slot].Request.Id, out _);
        _known[slot] = default;
        _free.Add(slot);
    }

    public void Append(ref SlotList list, int slot) => InsertAfter(ref list, list.Last, slot);

    /// <summary>In order of arrival. O(members that arrived later).</summary>
    public void InsertByArrival(ref SlotList list, int slot)
    {
        var after = list.Last;
        while (after >= 0 && IsLater(_known[after].Request, _known[slot].Request)) after = _known[after].Previous;
        InsertAfter(ref list, after, slot);
    }

    public void Remove(ref SlotList list, int slot)
    {
        ref var known = ref _known[slot];
        if (known.Previous >= 0) _known[known.Previous].Next = known.Next;
        else list.First = known.Next;
        if (known.Next >= 0) _known[known.Next].Previous = known.Previous;
        else list.Last = known.Previous;
        (known.Next, known.Previous) = (-1, -1);
        list.Count--;
        Check.That(list.Count >= 0);
    }

    private void InsertAfter(ref SlotList list, int after, int slot)
    {
        ref var known = ref _known[slot];
        known.Previous = after;
        known.Next = after >= 0 ? _known[after].Next : list.First;
        if (known.Next >= 0) _known[known.Next].Previous = slot;
        else list.Last = slot;
        if (after >= 0) _known[after].Next = slot;
        else list.First = slot;
        list.Count++;
    }

    private static bool IsLater(Request a, Request b) =>
        (a.Arrival.Ticks, a.Id.Value).CompareTo((b.Arrival.Ticks, b.Id.Value)) > 0;
}
