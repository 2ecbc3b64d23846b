namespace Sluice.Core;

/// <summary>Copies waiting for the model runner, in order. Grows by doubling up to a bound: reaching it means that nobody
/// clears the list.</summary>
internal sealed class CopyList(int countMax)
{
    private BlockCopy[] _items = new BlockCopy[16];
    private int _count;

    public ReadOnlySpan<BlockCopy> Items => _items.AsSpan(0, _count);

    public void Add(BlockCopy copy)
    {
        Check.That(_count < countMax);
        if (_count == _items.Length) KvBlocks.Fit(ref _items, _count);
        _items[_count++] = copy;
    }

    public void Clear() => _count = 0;
}
