using System.Numerics;

namespace Sluice.Core;

/// <summary>Maps request ids to small integers: open addressing, at most half full.</summary>
/// <remarks>Ids are handed out in sequence. Used as their own hash they would fill one long run of cells, and a removal walks
/// its run to the end; multiplied by the golden ratio (Knuth's multiplicative hashing) they lie apart. Grows by doubling and never shrinks; no allocation while it does not grow.</remarks>
public sealed class IdMap
{
    private const long Empty = -1;

    private long[] _keys;
    private int[] _values;
    private int _shift;

    public IdMap(int capacity = 64)
    {
        var size = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(16, capacity * 2));
        _keys = new long[size];
        _values = new int[size];
        _shift = 64 - BitOperations.Log2((uint)size);
        Array.Fill(_keys, Empty);
    }

    public int Count { get; private set; }

    public bool TryGet(RequestId id, out int value)
    {
        var cell = Find(id.Value);
        var found = _keys[cell] == id.Value;
        value = found ? _values[cell] : -1;
        return found;
    }

    public void Add(RequestId id, int value)
    {
        Check.That(id.Value >= 0);
        if (Count * 2 >= _keys.Length) Grow();
        var cell = Find(id.Value);
        Check.That(_keys[cell] == Empty);
        _keys[cell] = id.Value;
        _values[cell] = value;
        Count++;
    }

    public bool Remove(RequestId id, out int value)
    {
        var hole = Find(id.Value);
        value = -1;
        if (_keys[hole] != id.Value) return false;

        value = _values[hole];
        Count--;

        // Close the gap: pull back every later member of the run that may stand in the hole.
        var mask = _keys.Length - 1;
        for (var next = (hole + 1) & mask; _keys[next] != Empty; next = (next + 1) & mask)
        {
            var home = HomeOf(_keys[next]);
            if (((next - home) & mask) < ((next - hole) & mask)) continue;
            _keys[hole] = _keys[next];
            _values[hole] = _values[next];
            hole = next;
        }

        _keys[hole] = Empty;
        return true;
    }

    private int HomeOf(long key) => (int)((ulong)key * 0x9E3779B97F4A7C15UL >> _shift);

    private int Find(long key)
    {
        var mask = _keys.Length - 1;
        var cell = HomeOf(key);
        while (_keys[cell] != key && _keys[cell] != Empty) cell = (cell + 1) & mask;
        return cell;
    }

    private void Grow()
    {
        var (keys, values) = (_keys, _values);
        _keys = new long[keys.Length * 2];
        _values = new int[keys.Length * 2];
        _shift--;
        Array.Fill(_keys, Empty);
        for (var i = 0; i < keys.Length; i++)
        {
            if (keys[i] == Empty) continue;
            var cell = Find(keys[i]);
            _keys[cell] = keys[i];
            _values[cell] = values[i];
        }
    }
}
