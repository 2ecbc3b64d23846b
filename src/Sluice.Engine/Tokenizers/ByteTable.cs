namespace Sluice.Engine;

/// <summary>Finds numbers by strings of bytes. Filled once, then only read, from any thread.</summary>
/// <remarks>Open addressing at most half full. The strings are kept one after another, without an object for each.</remarks>
internal sealed class ByteTable
{
    private int[] _slots;
    private readonly List<(int Start, int Length, int Value)> _entries;
    private byte[] _bytes;
    private int _used;

    public ByteTable(int capacity, int bytes)
    {
        var slots = 16;
        while (slots < 2L * capacity) slots *= 2;
        _slots = new int[slots];
        _entries = new(capacity);
        _bytes = new byte[Math.Max(64, bytes)];
    }

    public int LengthMax { get; private set; }

    /// <summary>Adds a string, or gives one that is there a new number.</summary>
    public void Set(ReadOnlySpan<byte> key, int value)
    {
        ref var slot = ref Slot(key);
        if (slot != 0)
        {
            _entries[slot - 1] = _entries[slot - 1] with { Value = value };
            return;
        }

        if (_entries.Count >= _slots.Length / 2)
        {
            Grow();
            slot = ref Slot(key);
        }

        if (_used + key.Length > _bytes.Length) Array.Resize(ref _bytes, checked(Math.Max(2 * _bytes.Length, _used + key.Length)));
        key.CopyTo(_bytes.AsSpan(_used));
        _entries.Add((_used, key.Length, value));
        slot = _entries.Count;
        _used += key.Length;
        LengthMax = Math.Max(LengthMax, key.Length);
    }

    /// <returns>-1 if it is not there.</returns>
    public int Find(ReadOnlySpan<byte> key)
    {
        if (key.Length > LengthMax) return -1;
        var slot = Slot(key);
        return slot == 0 ? -1 : _entries[slot - 1].Value;
    }

    private void Grow()
    {
        _slots = new int[2 * _slots.Length];
        for (var i = 0; i < _entries.Count; i++)
            Slot(_bytes.AsSpan(_entries[i].Start, _entries[i].Length)) = i + 1;
    }

    private ref int Slot(ReadOnlySpan<byte> key)
    {
        var mask = _slots.Length - 1;
        for (var at = (int)Hash(key) & mask; ; at = (at + 1) & mask)
        {
            ref var slot = ref _slots[at];
            if (slot == 0) return ref slot;
            var (start, length, _) = _entries[slot - 1];
            if (length == key.Length && _bytes.AsSpan(start, length).SequenceEqual(key)) return ref slot;
        }
    }

    /// <summary>FNV-1a, mixed at the end: short keys, and the same on every machine.</summary>
    private static uint Hash(ReadOnlySpan<byte> key)
    {
        var hash = 14695981039346656037UL;
        foreach (var b in key) hash = (hash ^ b) * 1099511628211UL;
        return (uint)(hash ^ (hash >> 29) ^ (hash >> 47));
    }
}
