using System.Numerics;

namespace Sluice.Core;

/// <summary>Ranges of a power of two at multiples of their own size; a range given back merges with its buddy while that one
/// is free too.</summary>
/// <remarks>Source: Knowlton, "A fast storage allocator" (CACM 1965). O(log region) to take or give back. A region that is
/// not a power of two begins as several ranges, the largest at address 0. Of free ranges of one size the last given back is
/// taken first.</remarks>
internal sealed class BuddyRanges : IRangeAllocator
{
    private const int Orders = 31;
    private const int None = -1;

    private readonly int _total;
    private readonly int[] _first = new int[Orders]; // Free ranges of each order, a doubly linked list.
    private readonly int[] _next;
    private readonly int[] _previous;
    private readonly sbyte[] _freeOrder; // At the start of a free range its order, elsewhere None.
    private uint _orders; // Bit k: a range of order k is free.

    public BuddyRanges(int total)
    {
        _total = total;
        _next = new int[total];
        _previous = new int[total];
        _freeOrder = new sbyte[total];
        Array.Fill(_first, None);
        Array.Fill(_freeOrder, (sbyte)None);

        for (var start = 0; start < total;)
        {
            var order = BitOperations.Log2((uint)(total - start));
            Link(start, order);
            start += 1 << order;
        }
    }

    public int LargestHole => _orders == 0 ? 0 : 1 << BitOperations.Log2(_orders);

    public int SizeOf(int length)
    {
        var order = OrderOf(length);
        return order <= BitOperations.Log2((uint)_total) ? 1 << order : int.MaxValue;
    }

    public int Take(int length)
    {
        var order = OrderOf(length);
        var enough = order < Orders ? _orders & (uint.MaxValue << order) : 0;
        if (enough == 0) return -1;

        var found = BitOperations.TrailingZeroCount(enough);
        var start = _first[found];
        Unlink(start, found);
        while (found > order)
        {
            found--;
            Link(start + (1 << found), found);
        }

        return start;
    }

    public void GiveBack(int start, int length)
    {
        var order = OrderOf(length);
        Check.That(_freeOrder[start] == None);
        for (; order < Orders - 1; order++)
        {
            var buddy = start ^ (1 << order);
            if (buddy >= _total || _freeOrder[buddy] != order) break;
            Unlink(buddy, order);
            start = Math.Min(start, buddy);
        }

        Link(start, order);
    }

    private static int OrderOf(int length) => 32 - BitOperations.LeadingZeroCount((uint)length - 1);

    private void Link(int start, int order)
    {
        var next = _first[order];
        if (next != None) _previous[next] = start;
        (_next[start], _previous[start], _first[order]) = (next, None, start);
        _freeOrder[start] = (sbyte)order;
        _orders |= 1u << order;
    }

    private void Unlink(int start, int order)
    {
        var (previous, next) = (_previous[start], _next[start]);
        if (next != None) _previous[next] = previous;
        if (previous != None) _next[previous] = next;
        else _first[order] = next;
        _freeOrder[start] = None;
        if (_first[order] == None) _orders &= ~(1u << order);
    }
}
