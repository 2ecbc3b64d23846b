namespace Sluice.Core;

/// <summary>The sequences of one engine, named by slot. Slots are reused, so the table stays as small as the engine's load
/// and near the processor; pages never move, so a reference stays good while others are submitted.</summary>
internal sealed class SequenceTable
{
    private const int PageBits = 8;
    private const int PageSize = 1 << PageBits;

    private Sequence[][] _pages = [new Sequence[PageSize]];
    private int[] _free = new int[64];
    private int _freeCount;

    public ref Sequence this[int slot] => ref _pages[slot >> PageBits][slot & (PageSize - 1)];

    /// <summary>One past the highest slot ever used.</summary>
    public int Used { get; private set; }

    public int Allocate()
    {
        if (_freeCount > 0) return _free[--_freeCount];
        if (Used == _pages.Length * PageSize)
        {
            Array.Resize(ref _pages, _pages.Length + 1);
            _pages[^1] = new Sequence[PageSize];
        }

        return Used++;
    }

    public void Free(int slot)
    {
        this[slot] = default;
        if (_freeCount == _free.Length) Array.Resize(ref _free, _freeCount * 2);
        _free[_freeCount++] = slot;
    }
}
