namespace Sluice.Core;

/// <summary>Binary min-heap of small integers (slots, engines), each with one key that can be changed or removed in place:
/// there are never stale entries to skip.</summary>
/// <remarks>Ties go by the second key. O(log n) per change, no allocation while the number of items does not grow.</remarks>
public sealed class IndexedHeap
{
    private const int Absent = -1;

    private (long Key, long Tie, int Item)[] _heap = new (long, long, int)[16];
    private int[] _position = [];

    public int Count { get; private set; }

    /// <summary>Key of the first item; <see cref="long.MaxValue"/> when empty.</summary>
    public long MinKey => Count == 0 ? long.MaxValue : _heap[0].Key;

    public int MinItem
    {
        get
        {
            Check.That(Count > 0);
            return _heap[0].Item;
        }
    }

    /// <summary>The items in heap order, for walking over all of them.</summary>
    public int ItemAt(int index) => _heap[index].Item;

    /// <summary>The key of an item that is in the heap.</summary>
    public long KeyOf(int item)
    {
        Check.That(Contains(item));
        return _heap[_position[item]].Key;
    }

    public bool Contains(int item) => item < _position.Length && _position[item] != Absent;

    /// <summary>Adds the item or changes its key.</summary>
    public void Set(int item, long key, long tie)
    {
        EnsureRoomFor(item);
        var at = _position[item];
        if (at == Absent)
        {
            if (Count == _heap.Length) Array.Resize(ref _heap, Count * 2);
            SiftUp(Count++, (key, tie, item));
            return;
        }

        var entry = (key, tie, item);
        if (_heap[at] == entry) return;
        if (Less(entry, _heap[at])) SiftUp(at, entry);
        else SiftDown(at, entry);
    }

    public void Remove(int item)
    {
        Check.That(Contains(item));
        var at = _position[item];
        _position[item] = Absent;
        var last = _heap[--Count];
        if (at == Count) return;

        if (at > 0 && Less(last, _heap[(at - 1) / 2])) SiftUp(at, last);
        else SiftDown(at, last);
    }

    public int RemoveMin()
    {
        var item = MinItem;
        Remove(item);
        return item;
    }

    private static bool Less((long Key, long Tie, int Item) a, (long Key, long Tie, int Item) b) =>
        a.Key < b.Key || (a.Key == b.Key && a.Tie < b.Tie);

    private void SiftUp(int at, (long Key, long Tie, int Item) entry)
    {
        while (at > 0)
        {
            var parent = (at - 1) / 2;
            if (!Less(entry, _heap[parent])) break;
            Place(at, _heap[parent]);
            at = parent;
        }

        Place(at, entry);
    }

    private void SiftDown(int at, (long Key, long Tie, int Item) entry)
    {
        while (true)
        {
            var child = 2 * at + 1;
            if (child >= Count) break;
            if (child + 1 < Count && Less(_heap[child + 1], _heap[child])) child++;
            if (!Less(_heap[child], entry)) break;
            Place(at, _heap[child]);
            at = child;
        }

        Place(at, entry);
    }

    private void Place(int at, (long Key, long Tie, int Item) entry)
    {
        _heap[at] = entry;
        _position[entry.Item] = at;
    }

    private void EnsureRoomFor(int item)
    {
        if (item < _position.Length) return;
        var old = _position.Length;
        Array.Resize(ref _position, Math.Max(item + 1, Math.Max(16, old * 2)));
        Array.Fill(_position, Absent, old, _position.Length - old);
    }
}
