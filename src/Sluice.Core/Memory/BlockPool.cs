namespace Sluice.Core;

/// <summary>Physical blocks with reference counts, the order in which free ones are reclaimed, and the content hashes by
/// which they can be found.</summary>
/// <remarks>Source: vLLM's block pool. A free block (no references) keeps its content and its hash until it is popped, and
/// can be shared again until then. The free list runs through two arrays, so a block leaves its middle in O(1); the front is
/// popped, freed blocks go to the back: least recently used first. One hash names one block; a second block of the same
/// content stays unnamed.</remarks>
internal sealed class BlockPool
{
    // The list is a ring through one extra place, _end, that is before the front and behind the back.
    private readonly int _end;
    private readonly int[] _next;
    private readonly int[] _previous;
    private readonly int[] _references;
    private readonly bool[] _isNamed;
    private readonly ulong[] _hashes;
    private readonly BlockHashMap _byHash;

    public BlockPool(int blocks, bool findable)
    {
        _end = blocks;
        _next = new int[blocks + 1];
        _previous = new int[blocks + 1];
        _references = new int[blocks];
        _isNamed = new bool[blocks];
        _hashes = new ulong[findable ? blocks : 0];
        _byHash = new(findable ? blocks : 1);
        for (var block = 0; block <= blocks; block++)
            (_next[block], _previous[block]) = (block == blocks ? 0 : block + 1, block == 0 ? blocks : block - 1);
        Free = blocks;
    }

    public int Free { get; private set; }

    /// <summary>Blocks that can be found by their content.</summary>
    public int Named => _byHash.Count;

    public int References(int block) => _references[block];

    /// <returns>The block with this content, or -1.</returns>
    public int Find(ulong hash) => _byHash.Find(hash);

    /// <summary>Takes the block at the front, with one reference; what it held is forgotten.</summary>
    public int Pop()
    {
        Check.That(Free > 0);
        var block = _next[_end];
        Unlink(block);
        Forget(block);
        _references[block] = 1;
        return block;
    }

    /// <summary>Adds a reference; a free block is free no more.</summary>
    public void Share(int block)
    {
        if (_references[block]++ == 0) Unlink(block);
    }

    /// <summary>Drops a reference; without any left the block goes to the back of the free list.</summary>
    public void Drop(int block)
    {
        Check.That(_references[block] > 0);
        if (--_references[block] == 0) LinkLast(block);
    }

    /// <summary>Makes a block findable by its content, unless another one already is.</summary>
    public void Name(int block, ulong hash)
    {
        Check.That(_references[block] > 0);
        if (_isNamed[block] || _byHash.Find(hash) >= 0) return;
        _byHash.Add(hash, block);
        _hashes[block] = hash;
        _isNamed[block] = true;
    }

    /// <summary>Makes a block that may be findable not findable.</summary>
    public void Forget(int block)
    {
        if (!_isNamed[block]) return;
        _byHash.Remove(_hashes[block]);
        _isNamed[block] = false;
    }

    /// <summary>The free block to be popped after this one, or -1; from -1, the first.</summary>
    internal int NextFree(int block)
    {
        var next = _next[block < 0 ? _end : block];
        return next == _end ? -1 : next;
    }

    /// <summary>The content hash by which this block can be found, or null.</summary>
    internal ulong? NameOf(int block) => _isNamed[block] ? _hashes[block] : null;

    private void Unlink(int block)
    {
        var (previous, next) = (_previous[block], _next[block]);
        _next[previous] = next;
        _previous[next] = previous;
        Free--;
    }

    private void LinkLast(int block)
    {
        var last = _previous[_end];
        (_next[last], _previous[block]) = (block, last);
        (_next[block], _previous[_end]) = (_end, block);
        Free++;
    }
}
