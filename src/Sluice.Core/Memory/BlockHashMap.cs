using System.Numerics;

namespace Sluice.Core;

/// <summary>Finds the block that holds a content hash.</summary>
/// <remarks>Open addressing with linear probing in at least twice as many places as it may hold entries, so a probe is
/// short; removal closes the gap instead of leaving a mark, so churn does not wear it out. Never allocates after
/// construction. Keys are spread by Fibonacci hashing: the caller's hashes may be plain numbers.</remarks>
internal sealed class BlockHashMap
{
    private const int Empty = -1;

    private readonly int _entriesMax;
    private readonly int _mask;
    private readonly int _shift;
    private readonly ulong[] _hashes;
    private readonly int[] _blocks;

    public BlockHashMap(int entriesMax)
    {
        Check.That(entriesMax >= 1);
        _entriesMax = entriesMax;
        var places = (int)BitOperations.RoundUpToPowerOf2((uint)entriesMax * 2);
        _mask = places - 1;
        _shift = 64 - BitOperations.Log2((uint)places);
        _hashes = new ulong[places];
        _blocks = new int[places];
        Array.Fill(_blocks, Empty);
    }

    public int Count { get; private set; }

    /// <returns>The block, or -1.</returns>
    public int Find(ulong hash) => _blocks[PlaceOf(hash)];

    /// <summary>Adds an entry that is not there yet.</summary>
    public void Add(ulong hash, int block)
    {
        Check.That(block >= 0);
        Check.That(Count < _entriesMax);
        var place = PlaceOf(hash);
        Check.That(_blocks[place] == Empty);
        (_hashes[place], _blocks[place]) = (hash, block);
        Count++;
    }

    /// <summary>Removes an entry that is there.</summary>
    public void Remove(ulong hash)
    {
        var gap = PlaceOf(hash);
        Check.That(_blocks[gap] != Empty);

        for (var place = Next(gap); _blocks[place] != Empty; place = Next(place))
        {
            // An entry may move back into the gap unless that would put it before its home.
            var fromHome = (place - HomeOf(_hashes[place])) & _mask;
            var fromGap = (place - gap) & _mask;
            if (fromHome < fromGap) continue;
            (_hashes[gap], _blocks[gap]) = (_hashes[place], _blocks[place]);
            gap = place;
        }

        _blocks[gap] = Empty;
        Count--;
    }

    /// <summary>Where the hash is, or the empty place where it would go.</summary>
    private int PlaceOf(ulong hash)
    {
        var place = HomeOf(hash);
        while (_blocks[place] != Empty && _hashes[place] != hash) place = Next(place);
        return place;
    }

    private int HomeOf(ulong hash) => (int)((hash * 0x9E3779B97F4A7C15UL) >> _shift);

    private int Next(int place) => (place + 1) & _mask;
}
