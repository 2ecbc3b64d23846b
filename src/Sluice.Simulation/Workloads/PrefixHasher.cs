namespace Sluice.Simulation;

/// <summary>Builds the chained hashes of a prompt's full KV blocks out of pieces of known content.</summary>
/// <remarks>
/// A piece is a content id, where in that content it begins, and how many tokens long it is. Two prompts get equal hashes
/// up to the block in which their pieces first differ. Cutting one run of content into two pieces is not seen, as long as
/// the cut falls on a block boundary. A block hash is 64 bits, so among 10⁸ different blocks two are confused with a
/// chance of about 0.03 %. The last block is left out when it is not full, as engines cannot share it.
/// </remarks>
internal struct PrefixHasher(ulong[] blocks, int blockTokens)
{
    private int _filled;
    private int _inBlock;
    private ulong _chain = 0x51_7C_C1_B7_27_22_0A_95;

    /// <summary>A content id for a name.</summary>
    public static ulong ContentOf(ReadOnlySpan<byte> name)
    {
        var hash = 14695981039346656037UL; // FNV-1a
        foreach (var b in name) hash = (hash ^ b) * 1099511628211UL;
        return hash;
    }

    public void Append(ulong content, int offset, int tokens)
    {
        while (tokens > 0 && _filled < blocks.Length)
        {
            var take = Math.Min(tokens, blockTokens - _inBlock);
            _chain = Mix(_chain ^ Mix(content + Mix(((ulong)(uint)offset << 32) | (uint)take)));
            (offset, tokens, _inBlock) = (offset + take, tokens - take, _inBlock + take);
            if (_inBlock < blockTokens) continue;

            blocks[_filled++] = _chain;
            _inBlock = 0;
        }
    }

    /// <summary>The finalizer of SplitMix64: a bijection, so different inputs stay different.</summary>
    private static ulong Mix(ulong z)
    {
        z += 0x9E3779B97F4A7C15UL;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBUL;
        return z ^ (z >> 31);
    }
}
