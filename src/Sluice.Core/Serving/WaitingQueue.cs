namespace Sluice.Core;

/// <summary>Sequences submitted to an engine that hold no KV there: first come first served, or by a fixed key.</summary>
/// <remarks>Removal from the middle leaves a mark that is cleared when it comes to the front, so every operation is O(1),
/// or O(log n) with keys.</remarks>
public sealed class WaitingQueue
{
    private readonly SequenceTable _table;
    private readonly IWaitingOrder? _order;
    private readonly IndexedHeap _byKey = new();
    private int[] _ring = new int[64];
    private int[] _rekeyed = [];
    private int _head;
    private int _length;

    internal WaitingQueue(SequenceTable table, IWaitingOrder? order)
    {
        _table = table;
        _order = order;
    }

    public int Count { get; private set; }

    /// <summary>Prompt tokens of everybody waiting.</summary>
    public long PromptTokens { get; private set; }

    /// <summary>The sequence to admit next, or -1.</summary>
    public int Head
    {
        get
        {
            if (_order is not null) return _byKey.Count == 0 ? -1 : _byKey.MinItem;
            while (_length > 0)
            {
                var slot = _ring[_head];
                if (_table[slot].Phase != SequencePhase.Removed) return slot;
                DropHead();
                _table.Free(slot);
            }

            return -1;
        }
    }

    /// <summary>Copies the waiting sequences, in no particular order when keyed.</summary>
    /// <returns>How many were copied: as many as fit.</returns>
    public int CopyTo(Span<int> slots)
    {
        var copied = 0;
        if (_order is not null)
        {
            for (var i = 0; i < _byKey.Count && copied < slots.Length; i++) slots[copied++] = _byKey.ItemAt(i);
            return copied;
        }

        for (var i = 0; i < _length && copied < slots.Length; i++)
        {
            var slot = _ring[(_head + i) & (_ring.Length - 1)];
            if (_table[slot].Phase != SequencePhase.Removed) slots[copied++] = slot;
        }

        return copied;
    }

    /// <summary>The key a waiting sequence stands at; only in a queue with keys.</summary>
    public long KeyOf(int slot)
    {
        Check.That(_order is not null);
        return _byKey.KeyOf(slot);
    }

    /// <summary>Moves a waiting sequence to another place; only in a queue with keys. It keeps the key until it is taken,
    /// however often its order would now say another.</summary>
    public void SetKey(int slot, long key)
    {
        Check.That(_order is not null);
        Check.That(_table[slot].Phase == SequencePhase.Waiting);
        _byKey.Set(slot, key, _table[slot].Order);
    }

    /// <summary>Evaluates every key again, because what they depend on has changed. O(n log n).</summary>
    public void Rekey()
    {
        Check.That(_order is not null);
        if (_rekeyed.Length < _byKey.Count) Array.Resize(ref _rekeyed, Math.Max(64, _byKey.Count * 2));
        var count = CopyTo(_rekeyed);
        for (var i = 0; i < count; i++)
        {
            ref var sequence = ref _table[_rekeyed[i]];
            _byKey.Set(_rekeyed[i], _order.KeyOf(in sequence), sequence.Order);
        }
    }

    internal void Enqueue(int slot, bool atFront)
    {
        ref var sequence = ref _table[slot];
        sequence.Phase = SequencePhase.Waiting;
        Count++;
        PromptTokens += sequence.Request.PromptTokens;
        if (_order is not null)
        {
            _byKey.Set(slot, _order.KeyOf(in sequence), sequence.Order);
            return;
        }

        if (_length == _ring.Length) Grow();
        if (atFront)
        {
            _head = (_head - 1) & (_ring.Length - 1);
            _ring[_head] = slot;
        }
        else
        {
            _ring[(_head + _length) & (_ring.Length - 1)] = slot;
        }

        _length++;
    }

    /// <summary>Takes a sequence out; the caller gives it its next phase.</summary>
    /// <returns>False if its place is only marked, so that the slot must not be reused or change phase.</returns>
    internal bool Take(int slot)
    {
        Count--;
        PromptTokens -= _table[slot].Request.PromptTokens;
        Check.That(Count >= 0);
        if (_order is not null)
        {
            _byKey.Remove(slot);
            return true;
        }

        if (Head != slot) return false;
        DropHead();
        return true;
    }

    private void DropHead()
    {
        _head = (_head + 1) & (_ring.Length - 1);
        _length--;
    }

    private void Grow()
    {
        var ring = new int[_ring.Length * 2];
        for (var i = 0; i < _length; i++) ring[i] = _ring[(_head + i) & (_ring.Length - 1)];
        (_ring, _head) = (ring, 0);
    }
}
