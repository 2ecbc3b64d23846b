using System.Numerics;

namespace Sluice.Core;

/// <summary>Maps request ids to small integers. Open addressing with the id itself as hash, because ids are handed out in
/// sequence: neighbours fill neighbouring cells and a look-up is one or two reads.</summary>
/// <remarks>Grows by doubling and never shrinks; no allocation while it does not grow. Members stand in the order of their
/// homes (Robin Hood hashing, Celis 1986), so that a long run of neighbours, such as a queue, costs nothing to leave.</remarks>
public sealed class IdMap
{
    private const long Empty = -1;

    private long[] _keys;
    private int[] _values;

    public IdMap(int capacity = 64)
    {
        var size = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(16, capacity * 2));
        _keys = new long[size];
        _values = new int[size];
        Array.Fill(_keys, Empty);
    }

    public int Count { get; private set; }

    public bool TryGet(RequestId id, out int value)
    {
        var cell = Find(id.Value);
        value = cell >= 0 ? _values[cell] : -1;
        return cell >= 0;
    }

    public void Add(RequestId id, int value)
    {
        Check.That(id.Value >= 0);
        Check.That(Find(id.Value) < 0);
        if (Count * 2 >= _keys.Length) Grow();
        Insert(id.Value, value);
        Count++;
    }

    public bool Remove(RequestId id, out int value)
    {
        var hole = Find(id.Value);
        value = hole >= 0 ? _values[hole] : -1;
        if (hole < 0) return false;

        Count--;

        // Close the gap: everybody behind it who is away from home moves up by one.
        var mask = _keys.Length - 1;
        for (var next = (hole + 1) & mask; _keys[next] != Empty && Displacement(next) > 0; next = (next + 1) & mask)
        {
            _keys[hole] = _keys[next];
            _values[hole] = _values[next];
            hole = next;
        }

        _keys[hole] = Empty;
        return true;
    }

    /// <returns>The key's cell, or -1. Cells are sorted by home, so the search ends where the key would have been.</returns>
    private int Find(long key)
    {
        var mask = _keys.Length - 1;
        var cell = (int)key & mask;
        for (var distance = 0; _keys[cell] != Empty; distance++, cell = (cell + 1) & mask)
        {
            if (_keys[cell] == key) return cell;
            if (Displacement(cell) < distance) break;
        }

        return -1;
    }

    private void Insert(long key, int value)
    {
        var mask = _keys.Length - 1;
        var cell = (int)key & mask;
        for (var distance = 0; _keys[cell] != Empty; distance++, cell = (cell + 1) & mask)
        {
            var displacement = Displacement(cell);
            if (displacement >= distance) continue;

            // Whoever is nearer to home gives way and looks further.
            (key, _keys[cell]) = (_keys[cell], key);
            (value, _values[cell]) = (_values[cell], value);
            distance = displacement;
        }

        _keys[cell] = key;
        _values[cell] = value;
    }

    /// <summary>How far behind its home the member in a cell stands.</summary>
    private int Displacement(int cell) => (cell - (int)_keys[cell]) & (_keys.Length - 1);

    private void Grow()
    {
        var (keys, values) = (_keys, _values);
        _keys = new long[keys.Length * 2];
        _values = new int[keys.Length * 2];
        Array.Fill(_keys, Empty);
        for (var i = 0; i < keys.Length; i++)
            if (keys[i] != Empty) Insert(keys[i], values[i]);
    }
}
