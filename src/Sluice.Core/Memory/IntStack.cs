namespace Sluice.Core;

/// <summary>A stack of block ids that grows by doubling and never shrinks.</summary>
internal sealed class IntStack
{
    private int[] _items = new int[16];

    public int Count { get; private set; }

    public ReadOnlySpan<int> Items => _items.AsSpan(0, Count);

    public void Push(int item)
    {
        if (Count == _items.Length) KvBlocks.Fit(ref _items, Count);
        _items[Count++] = item;
    }

    public int Pop()
    {
        Check.That(Count > 0);
        return _items[--Count];
    }
}
