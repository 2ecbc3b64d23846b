namespace Sluice.Core;

internal enum SequencePlace : byte { Unused, Live, Swapped }

/// <summary>What one sequence holds of a paged cache. The table has exactly the blocks that its tokens need.</summary>
internal struct PagedSequence
{
    public SequencePlace Place;
    public int Tokens;
    public int Count;
    public int[] Table; // Device blocks, or host blocks while swapped out.
    public ReadOnlyMemory<ulong> Prompt;
    public int NamedBlocks; // Leading prompt blocks that are, or need not be, made findable.

    public readonly ReadOnlySpan<int> Blocks => Table.AsSpan(0, Count);

    public void Append(int block)
    {
        if (Count == Table.Length) KvBlocks.Fit(ref Table, Count);
        Table[Count++] = block;
    }

    /// <summary>Ends the sequence; its table's memory stays for the next one.</summary>
    public void Clear() => this = new() { Table = Table };
}

/// <summary>Sequences by slot. Each way in checks where the sequence is.</summary>
internal sealed class PagedSequences
{
    private PagedSequence[] _slots = new PagedSequence[16];

    public int Slots => _slots.Length;

    public SequencePlace PlaceOf(int sequence) => _slots[sequence].Place;

    /// <summary>A slot not in use, made if there is none yet: references taken before may be to old memory.</summary>
    public ref PagedSequence Unused(int sequence)
    {
        Check.That(sequence >= 0);
        if (sequence >= _slots.Length) KvBlocks.Fit(ref _slots, sequence);
        ref var held = ref _slots[sequence];
        Check.That(held.Place == SequencePlace.Unused);
        held.Table ??= new int[16];
        return ref held;
    }

    public ref PagedSequence Live(int sequence)
    {
        Check.That((uint)sequence < (uint)_slots.Length);
        Check.That(_slots[sequence].Place == SequencePlace.Live);
        return ref _slots[sequence];
    }

    public ref PagedSequence Swapped(int sequence)
    {
        Check.That((uint)sequence < (uint)_slots.Length);
        Check.That(_slots[sequence].Place == SequencePlace.Swapped);
        return ref _slots[sequence];
    }
}
