namespace Sluice.Core;

/// <summary>Sequences that hold device KV, in order of admission, linked through the table so that anyone can leave in
/// O(1).</summary>
internal sealed class RunningList(SequenceTable table)
{
    public int Count { get; private set; }
    public int First { get; private set; } = -1;
    public int Last { get; private set; } = -1;

    public void Append(int slot)
    {
        table[slot].Previous = Last;
        table[slot].Next = -1;
        if (Last >= 0) table[Last].Next = slot;
        else First = slot;
        Last = slot;
        Count++;
    }

    public void Remove(int slot)
    {
        var (previous, next) = (table[slot].Previous, table[slot].Next);
        if (previous >= 0) table[previous].Next = next;
        else First = next;
        if (next >= 0) table[next].Previous = previous;
        else Last = previous;
        Count--;
    }
}
