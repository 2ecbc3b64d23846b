namespace Sluice.Engine;

/// <summary>Says which two neighbours may become one.</summary>
internal interface IMergeRules
{
    /// <param name="left">Symbol on the left, -1 for a text that has none.</param>
    /// <param name="right">As <paramref name="left"/>.</param>
    /// <param name="joined">The bytes of both.</param>
    /// <param name="order">Smaller goes first; among equals the leftmost.</param>
    /// <param name="symbol">What they become.</param>
    bool TryJoin(int left, int right, ReadOnlySpan<byte> joined, out uint order, out int symbol);
}

/// <summary>Byte pair merging: of all neighbours that may be joined, the best ones are, until none is left.</summary>
/// <remarks>Short texts are searched again after each merge, which is quickest for words; long ones keep the candidates in a
/// heap, so that the work is n log n whatever the text. Arrays are kept for the next call.</remarks>
internal sealed class MergeWork
{
    private const int ShortMax = 24;

    private Symbol[] _symbols = new Symbol[64];
    private Candidate[] _heap = new Candidate[64];
    private int _symbolCount;
    private int _heapCount;

    /// <summary>A run of bytes; neighbours are linked, and one that was joined to its left has no bytes.</summary>
    private record struct Symbol(int Start, int Length, int Id, int Previous, int Next)
    {
        /// <summary>Of joining with the next one.</summary>
        public uint Order { get; set; }

        /// <summary>What that gives, -1 if it cannot be joined.</summary>
        public int Joined { get; set; }
    }

    private readonly record struct Candidate(ulong Key, int Length, int Right, int Joined);

    public void Clear() => (_symbolCount, _heapCount) = (0, 0);

    /// <summary>Appends a symbol right of those there are.</summary>
    public void Add(int start, int length, int id)
    {
        if (_symbolCount == _symbols.Length) Array.Resize(ref _symbols, 2 * _symbolCount);
        _symbols[_symbolCount] = new(start, length, id, _symbolCount - 1, _symbolCount + 1);
        _symbolCount++;
    }

    public void Merge<TRules>(ReadOnlySpan<byte> text, TRules rules) where TRules : struct, IMergeRules
    {
        if (_symbolCount == 0) return;
        _symbols[_symbolCount - 1].Next = -1;
        if (_symbolCount <= ShortMax) MergeShort(text, rules);
        else MergeLong(text, rules);
    }

    /// <summary>Moves to the next symbol that is left, from <paramref name="at"/> = 0.</summary>
    /// <param name="at">-1 after the last one.</param>
    public (int Start, int Length, int Id) Take(ref int at)
    {
        ref readonly var symbol = ref _symbols[at];
        at = symbol.Next;
        return (symbol.Start, symbol.Length, symbol.Id);
    }

    private void MergeShort<TRules>(ReadOnlySpan<byte> text, TRules rules) where TRules : struct, IMergeRules
    {
        for (var i = 0; i < _symbolCount; i++) Look(text, ref rules, i);
        while (true)
        {
            var best = -1;
            for (var i = 0; i >= 0; i = _symbols[i].Next)
                if (_symbols[i].Joined >= 0 && (best < 0 || _symbols[i].Order < _symbols[best].Order)) best = i;
            if (best < 0) return;

            Join(best, _symbols[best].Joined);
            Look(text, ref rules, best);
            if (_symbols[best].Previous >= 0) Look(text, ref rules, _symbols[best].Previous);
        }
    }

    private void MergeLong<TRules>(ReadOnlySpan<byte> text, TRules rules) where TRules : struct, IMergeRules
    {
        for (var i = 0; i < _symbolCount; i++) Offer(text, ref rules, i);
        while (_heapCount > 0)
        {
            var candidate = Pop();
            var left = (int)(uint)candidate.Key;

            // Since it was offered, either side may have been joined to something else.
            ref var symbol = ref _symbols[left];
            if (symbol.Length == 0 || symbol.Next != candidate.Right
                || symbol.Length + _symbols[candidate.Right].Length != candidate.Length) continue;

            Join(left, candidate.Joined);
            Offer(text, ref rules, left);
            if (symbol.Previous >= 0) Offer(text, ref rules, symbol.Previous);
        }
    }

    private void Look<TRules>(ReadOnlySpan<byte> text, ref TRules rules, int left) where TRules : struct, IMergeRules
    {
        ref var symbol = ref _symbols[left];
        symbol.Joined = -1;
        if (symbol.Next < 0) return;
        ref readonly var right = ref _symbols[symbol.Next];
        if (rules.TryJoin(symbol.Id, right.Id, text.Slice(symbol.Start, symbol.Length + right.Length), out var order, out var joined))
            (symbol.Order, symbol.Joined) = (order, joined);
    }

    private void Offer<TRules>(ReadOnlySpan<byte> text, ref TRules rules, int left) where TRules : struct, IMergeRules
    {
        Look(text, ref rules, left);
        ref readonly var symbol = ref _symbols[left];
        if (symbol.Joined < 0) return;
        var length = symbol.Length + _symbols[symbol.Next].Length;
        Push(new(((ulong)symbol.Order << 32) | (uint)left, length, symbol.Next, symbol.Joined));
    }

    private void Join(int left, int id)
    {
        ref var symbol = ref _symbols[left];
        ref var right = ref _symbols[symbol.Next];
        (symbol.Length, symbol.Id, symbol.Next) = (symbol.Length + right.Length, id, right.Next);
        right.Length = 0;
        if (right.Next >= 0) _symbols[right.Next].Previous = left;
    }

    private void Push(Candidate candidate)
    {
        if (_heapCount == _heap.Length) Array.Resize(ref _heap, 2 * _heapCount);
        var at = _heapCount++;
        while (at > 0)
        {
            var parent = (at - 1) >> 1;
            if (_heap[parent].Key <= candidate.Key) break;
            _heap[at] = _heap[parent];
            at = parent;
        }

        _heap[at] = candidate;
    }

    private Candidate Pop()
    {
        var top = _heap[0];
        var last = _heap[--_heapCount];
        var at = 0;
        while (2 * at + 1 < _heapCount)
        {
            var child = 2 * at + 1;
            if (child + 1 < _heapCount && _heap[child + 1].Key < _heap[child].Key) child++;
            if (_heap[child].Key >= last.Key) break;
            _heap[at] = _heap[child];
            at = child;
        }

        _heap[at] = last;
        return top;
    }
}
