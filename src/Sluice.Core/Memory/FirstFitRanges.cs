namespace Sluice.Core;

/// <summary>The lowest hole that is long enough; a range given back melts into its neighbours.</summary>
/// <remarks>Holes are kept in order of address. O(holes) to take or give back, and there is at most one hole more than
/// ranges.</remarks>
internal sealed class FirstFitRanges : IRangeAllocator
{
    private readonly int _total;
    private int[] _starts = new int[64];
    private int[] _lengths = new int[64];
    private int _holes = 1;

    public FirstFitRanges(int total) => _lengths[0] = _total = total;

    public int LargestHole
    {
        get
        {
            var largest = 0;
            foreach (var length in _lengths.AsSpan(0, _holes)) largest = Math.Max(largest, length);
            return largest;
        }
    }

    public int SizeOf(int length) => length <= _total ? length : int.MaxValue;

    public int Take(int length)
    {
        for (var i = 0; i < _holes; i++)
        {
            if (_lengths[i] < length) continue;
            var start = _starts[i];
            _starts[i] += length;
            _lengths[i] -= length;
            if (_lengths[i] == 0) RemoveAt(i);
            return start;
        }

        return -1;
    }

    public void GiveBack(int start, int length)
    {
        var after = -1 - Array.BinarySearch(_starts, 0, _holes, start); // A hole cannot start in a range that was taken.
        Check.That(after >= 0);
        var touchesBefore = after > 0 && EndOf(after - 1) == start;
        var touchesAfter = after < _holes && _starts[after] == start + length;
        Check.That(after == 0 || EndOf(after - 1) <= start);
        Check.That(after == _holes || start + length <= _starts[after]);

        if (touchesBefore && touchesAfter)
        {
            _lengths[after - 1] += length + _lengths[after];
            RemoveAt(after);
        }
        else if (touchesBefore)
        {
            _lengths[after - 1] += length;
        }
        else if (touchesAfter)
        {
            _starts[after] = start;
            _lengths[after] += length;
        }
        else
        {
            InsertAt(after, start, length);
        }
    }

    private int EndOf(int hole) => _starts[hole] + _lengths[hole];

    private void RemoveAt(int hole)
    {
        _holes--;
        Array.Copy(_starts, hole + 1, _starts, hole, _holes - hole);
        Array.Copy(_lengths, hole + 1, _lengths, hole, _holes - hole);
    }

    private void InsertAt(int hole, int start, int length)
    {
        if (_holes == _starts.Length)
        {
            KvBlocks.Fit(ref _starts, _holes);
            KvBlocks.Fit(ref _lengths, _holes);
        }

        Array.Copy(_starts, hole, _starts, hole + 1, _holes - hole);
        Array.Copy(_lengths, hole, _lengths, hole + 1, _holes - hole);
        (_starts[hole], _lengths[hole]) = (start, length);
        _holes++;
    }
}
