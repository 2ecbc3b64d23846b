using Sluice.Core;

namespace Sluice.Engine;

/// <summary>Merges by their two symbols: rank and result. Filled once, then only read, from any thread.</summary>
internal sealed class PairTable
{
    private readonly (ulong Key, uint Rank, int Symbol)[] _slots;
    private int _count;

    public PairTable(int capacity)
    {
        var slots = 16;
        while (slots < 2L * capacity) slots *= 2;
        _slots = new (ulong, uint, int)[slots];
    }

    /// <summary>Adds a merge; if it is there already, the earlier one stays.</summary>
    public void Add(int left, int right, uint rank, int symbol)
    {
        var key = Key(left, right);
        ref var slot = ref _slots[Slot(key)];
        if (slot.Key != 0) return;
        Check.That(++_count <= _slots.Length / 2);
        slot = (key, rank, symbol);
    }

    public bool TryFind(int left, int right, out uint rank, out int symbol)
    {
        ref readonly var slot = ref _slots[Slot(Key(left, right))];
        (rank, symbol) = (slot.Rank, slot.Symbol);
        return slot.Key != 0;
    }

    private int Slot(ulong key)
    {
        var mask = _slots.Length - 1;
        var at = (int)((key * 0x9E3779B97F4A7C15UL) >> 32) & mask;
        while (_slots[at].Key != 0 && _slots[at].Key != key) at = (at + 1) & mask;
        return at;
    }

    /// <summary>Never 0, which marks an empty slot.</summary>
    private static ulong Key(int left, int right) => ((ulong)(uint)(left + 1) << 32) | (uint)right;
}
