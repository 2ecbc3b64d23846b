namespace Sluice.Core;

/// <summary>Accounting for KV memory in blocks of <see cref="BlockTokens"/> tokens. All quantities are blocks or tokens,
/// never bytes.</summary>
/// <remarks>
/// Sequences are named by their slot, a small dense integer of the engine that owns this cache; a slot is reused after
/// <see cref="Release"/>.
/// <para>Decoding sequences advance together, one token a step, so the engine knows how many of them cross a block
/// boundary in a step without visiting any: it takes that many blocks by <see cref="TryGrow"/> and says who got them only
/// when somebody asks, by <see cref="Settle"/>. Between the two the blocks belong to the decoding set as a whole. The sum
/// taken by TryGrow always covers the sum claimed by Settle.</para>
/// </remarks>
public interface IKvCache
{
    /// <summary>Tokens in one block, at least 1.</summary>
    int BlockTokens { get; }

    int TotalBlocks { get; }

    /// <summary>Blocks that can be taken now, those included that only hold cached prefixes nobody uses.</summary>
    int FreeBlocks { get; }

    /// <summary>False when admission reserves all that a sequence can ever need, so decoding never takes blocks.</summary>
    bool GrowsWhileDecoding { get; }

    /// <summary>Leading tokens of the prompt already cached: a multiple of <see cref="BlockTokens"/>, less than the prompt
    /// by at least one token, so that there is something left to compute.</summary>
    int CachedTokens(Request request);

    /// <summary>True if an empty cache could hold this many tokens of this request at once.</summary>
    bool CanEverHold(Request request, int tokens);

    /// <summary>Begins to hold KV for a sequence: takes the cached prefix, then room for <paramref name="tokens"/> in total
    /// (or all the sequence can ever need, where that is the rule). False, and nothing changed, if blocks are
    /// short.</summary>
    /// <param name="tokens">At least 1, at least the cached prefix.</param>
    bool TryAdmit(int sequence, Request request, int tokens);

    /// <summary>Ensures room for <paramref name="tokens"/> in total for an admitted sequence. False, and nothing changed, if
    /// blocks are short.</summary>
    bool TryReserve(int sequence, int tokens);

    /// <summary>Begins a sequence that continues another one and shares what it holds. False where nothing can be
    /// shared.</summary>
    bool TryFork(int parent, int child) => false;

    /// <summary>Takes blocks for the decoding set as a whole. False, and nothing changed, if blocks are short.</summary>
    bool TryGrow(int blocks);

    /// <summary>Says that a sequence of the decoding set has come to need room for <paramref name="tokens"/> in total; what
    /// it lacks comes out of what <see cref="TryGrow"/> took.</summary>
    void Settle(int sequence, int tokens);

    /// <summary>Room past <paramref name="tokens"/> was reserved but is not computed after all: a preempted step, rejected
    /// draft tokens. A cache that remembers content must forget what would have been there.</summary>
    void Rewind(int sequence, int tokens)
    {
    }

    /// <summary>Gives back all a sequence holds, which must have been settled before. Full prompt blocks stay findable as
    /// cached prefix where that is supported.</summary>
    void Release(int sequence);

    /// <summary>Makes nothing findable that was: the engine died, or the model changed.</summary>
    void ForgetPrefixes()
    {
    }

    /// <summary>Blocks of host memory that swapped-out sequences may take.</summary>
    int HostFreeBlocks { get; }

    /// <summary>Moves a sequence's blocks to host memory. False, and nothing changed, if host memory is short.</summary>
    bool TrySwapOut(int sequence);

    /// <summary>Brings a swapped-out sequence back with room for <paramref name="tokens"/> in total. False, and nothing
    /// changed, if device blocks are short.</summary>
    bool TrySwapIn(int sequence, int tokens);

    /// <summary>Drops a sequence that is swapped out.</summary>
    void ReleaseSwapped(int sequence);
}
