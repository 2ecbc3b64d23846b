namespace Sluice.Core;

/// <summary>KV memory in physical blocks: block tables that attention can read, sharing with copy on write, a prefix cache,
/// and swap to host memory.</summary>
/// <remarks>
/// Source: PagedAttention (SOSP 2023) and vLLM's KV cache manager. A call costs O(blocks it takes or gives back), and
/// admission with the prefix cache O(blocks of the prompt).
/// <para>The cache takes a token as written when room for it is reserved. A prompt block becomes findable as soon as it is
/// full of such tokens, which is before they are computed: a step must compute its sequences in the order in which they were
/// reserved, and what it does not compute after all must be taken back by <see cref="Rewind"/> before the sequence is
/// released, swapped out or forked. Settle a sequence before each of these, too.</para>
/// <para>Duplicate content is not merged: of two blocks with one hash only the first is findable. Swapping out takes private
/// host copies of shared blocks, and swapping in takes fresh blocks, even if the prefix is still cached.</para>
/// </remarks>
public sealed class PagedKvCache : IKvCache
{
    private readonly bool _prefixCache;
    private readonly BlockPool _pool;
    private readonly IntStack _grown = new();
    private readonly IntStack _hostFree = new();
    private readonly PagedSequences _sequences = new();
    private readonly CopyList _copies;

    public PagedKvCache(int totalBlocks, int blockTokens, int hostBlocks = 0, bool prefixCache = false)
    {
        Check.That(totalBlocks >= 1);
        Check.That(blockTokens >= 1);
        Check.That(hostBlocks >= 0);
        (TotalBlocks, BlockTokens, HostBlocks, _prefixCache) = (totalBlocks, blockTokens, hostBlocks, prefixCache);
        _pool = new(totalBlocks, findable: prefixCache);
        _copies = new(countMax: 1024 + 4 * (totalBlocks + hostBlocks));
        for (var block = hostBlocks - 1; block >= 0; block--) _hostFree.Push(block);
    }

    public int BlockTokens { get; }
    public int TotalBlocks { get; }
    public int HostBlocks { get; }
    public int FreeBlocks => _pool.Free;
    public int HostFreeBlocks => _hostFree.Count;
    public bool GrowsWhileDecoding => true;

    /// <summary>Blocks taken by <see cref="TryGrow"/> that no sequence has claimed yet.</summary>
    public int GrownBlocks => _grown.Count;

    /// <summary>Blocks findable by their content, in use or not.</summary>
    public int CachedBlocks => _pool.Named;

    /// <summary>Whether swaps are listed in <see cref="PendingCopies"/> too. Set it where memory is really moved; where it
    /// is not, nobody would clear the list.</summary>
    public bool ListsSwaps { get; init; }

    /// <summary>Copies to be made before the next step, in this order, since the last <see cref="ClearPendingCopies"/>: those
    /// of copy on write, and swaps where <see cref="ListsSwaps"/> says so.</summary>
    /// <remarks>Order matters: a block read by one copy may be the target of a later one. The list is bounded at a few times
    /// all blocks; a runner that never clears it is a bug and is told so.</remarks>
    public ReadOnlySpan<BlockCopy> PendingCopies => _copies.Items;

    public void ClearPendingCopies() => _copies.Clear();

    /// <summary>Physical block of each logical block of a sequence on the device. Valid until the next call.</summary>
    public ReadOnlySpan<int> BlockTable(int sequence) => _sequences.Live(sequence).Blocks;

    /// <summary>The same for a runner that keeps it through a step. Valid until the sequence changes.</summary>
    public ReadOnlyMemory<int> BlockTableMemory(int sequence)
    {
        ref var held = ref _sequences.Live(sequence);
        return new(held.Table, 0, held.Count);
    }

    /// <summary>Host block of each logical block of a swapped-out sequence. Valid until the next call.</summary>
    public ReadOnlySpan<int> HostBlockTable(int sequence) => _sequences.Swapped(sequence).Blocks;

    /// <summary>Sequences that hold this block, plus one while the decoding set does.</summary>
    public int References(int block) => _pool.References(block);

    public void ForgetPrefixes()
    {
        for (var block = 0; block < TotalBlocks; block++) _pool.Forget(block);
    }

    public int CachedTokens(Request request) => HitBlocks(request, out _) * BlockTokens;

    public bool CanEverHold(Request request, int tokens) => tokens <= (long)TotalBlocks * BlockTokens;

    public bool TryAdmit(int sequence, Request request, int tokens)
    {
        Check.That(tokens >= 1);
        ref var held = ref _sequences.Unused(sequence);
        var hits = HitBlocks(request, out var revived);
        Check.That(tokens >= hits * BlockTokens);

        // A hit that nobody uses leaves the free list just as a new block does.
        var count = KvBlocks.For(tokens, BlockTokens);
        if (count - hits + revived > FreeBlocks) return false;

        held.Place = SequencePlace.Live;
        held.Prompt = _prefixCache ? request.PromptBlocks : default;
        var prompt = held.Prompt.Span;
        for (var i = 0; i < hits; i++)
        {
            var block = _pool.Find(prompt[i]);
            _pool.Share(block);
            held.Append(block);
        }

        while (held.Count < count) held.Append(_pool.Pop());
        held.NamedBlocks = hits;
        Cover(ref held, tokens);
        return true;
    }

    /// <summary>As the interface says; also gives the sequence its own copy of its last block if it is to be written and
    /// shared, which can take one block more.</summary>
    public bool TryReserve(int sequence, int tokens)
    {
        Check.That(tokens >= 1);
        ref var held = ref _sequences.Live(sequence);
        if (tokens <= held.Tokens) return true;

        var count = KvBlocks.For(tokens, BlockTokens);
        var copies = WritesShared(in held) ? 1 : 0;
        if (count - held.Count + copies > FreeBlocks) return false;

        if (copies > 0) CopyLastBlock(ref held);
        while (held.Count < count) held.Append(_pool.Pop());
        Cover(ref held, tokens);
        return true;
    }

    public bool TryGrow(int blocks)
    {
        Check.That(blocks >= 0);
        if (blocks > FreeBlocks) return false;

        for (var i = 0; i < blocks; i++) _grown.Push(_pool.Pop());
        return true;
    }

    /// <summary>As the interface says. A sequence whose last block is shared and not full cannot be settled: its copy is not
    /// among the blocks that the decoding set counted; advance it by <see cref="TryReserve"/>.</summary>
    public void Settle(int sequence, int tokens)
    {
        Check.That(tokens >= 1);
        ref var held = ref _sequences.Live(sequence);
        if (tokens <= held.Tokens) return;

        var count = KvBlocks.For(tokens, BlockTokens);
        Check.That(count - held.Count <= GrownBlocks);
        Check.That(!WritesShared(in held));
        while (held.Count < count) held.Append(_grown.Pop());
        Cover(ref held, tokens);
    }

    /// <summary>Begins a sequence that continues another one: it shares all the parent's blocks until one of them
    /// writes.</summary>
    /// <param name="parent">An admitted sequence; all it has reserved is computed.</param>
    /// <param name="child">A slot not in use.</param>
    /// <returns>True: sharing takes no block. The first to write a shared last block needs one more.</returns>
    public bool TryFork(int parent, int child)
    {
        ref var to = ref _sequences.Unused(child);
        ref var from = ref _sequences.Live(parent);

        to.Place = SequencePlace.Live;
        to.Prompt = from.Prompt;
        to.NamedBlocks = from.NamedBlocks;
        to.Tokens = from.Tokens;
        foreach (var block in from.Blocks)
        {
            _pool.Share(block);
            to.Append(block);
        }

        return true;
    }

    /// <summary>Takes back room that was reserved and not computed: a preempted step, rejected draft tokens.</summary>
    /// <param name="sequence">An admitted sequence.</param>
    /// <param name="tokens">Tokens that are computed, 0 to what is reserved. Blocks past them are given back, and none that
    /// they do not fill stays findable.</param>
    public void Rewind(int sequence, int tokens)
    {
        ref var held = ref _sequences.Live(sequence);
        Check.That(tokens >= 0);
        Check.That(tokens <= held.Tokens);

        var full = tokens / BlockTokens;
        for (var i = full; i < held.Count; i++) _pool.Forget(held.Table[i]);
        var count = tokens == 0 ? 0 : KvBlocks.For(tokens, BlockTokens);
        while (held.Count > count) _pool.Drop(held.Table[--held.Count]);
        held.Tokens = tokens;
        held.NamedBlocks = Math.Min(held.NamedBlocks, full);
    }

    /// <summary>As the interface says. The last block goes first, so that of a cached prefix the tail is reclaimed before the
    /// head.</summary>
    public void Release(int sequence)
    {
        ref var held = ref _sequences.Live(sequence);
        for (var i = held.Count - 1; i >= 0; i--) _pool.Drop(held.Table[i]);
        held.Clear();
    }

    public bool TrySwapOut(int sequence)
    {
        ref var held = ref _sequences.Live(sequence);
        if (held.Count > HostFreeBlocks) return false;

        for (var i = held.Count - 1; i >= 0; i--)
        {
            var (device, host) = (held.Table[i], _hostFree.Pop());
            if (ListsSwaps) _copies.Add(new(device, host, BlockCopyKind.DeviceToHost));
            _pool.Drop(device);
            held.Table[i] = host;
        }

        held.Place = SequencePlace.Swapped;
        return true;
    }

    public bool TrySwapIn(int sequence, int tokens)
    {
        Check.That(tokens >= 1);
        ref var held = ref _sequences.Swapped(sequence);
        var count = Math.Max(held.Count, KvBlocks.For(tokens, BlockTokens));
        if (count > FreeBlocks) return false;

        for (var i = 0; i < held.Count; i++)
        {
            var (host, device) = (held.Table[i], _pool.Pop());
            if (ListsSwaps) _copies.Add(new(host, device, BlockCopyKind.HostToDevice));
            _hostFree.Push(host);
            held.Table[i] = device;
        }

        held.Place = SequencePlace.Live;
        while (held.Count < count) held.Append(_pool.Pop());
        held.NamedBlocks = 0;
        Cover(ref held, Math.Max(held.Tokens, tokens));
        return true;
    }

    public void ReleaseSwapped(int sequence)
    {
        ref var held = ref _sequences.Swapped(sequence);
        foreach (var host in held.Blocks) _hostFree.Push(host);
        held.Clear();
        Check.That(HostFreeBlocks <= HostBlocks);
    }

    // For audits.
    internal BlockPool Pool => _pool;
    internal ReadOnlySpan<int> Grown => _grown.Items;
    internal ReadOnlySpan<int> HostFree => _hostFree.Items;
    internal PagedSequences Sequences => _sequences;

    /// <summary>Leading prompt blocks that are cached, short of the whole prompt.</summary>
    /// <param name="request">The request.</param>
    /// <param name="revived">Those among them that are on the free list.</param>
    private int HitBlocks(Request request, out int revived)
    {
        revived = 0;
        if (!_prefixCache) return 0;

        var prompt = request.PromptBlocks.Span;
        Check.That(prompt.Length <= request.PromptTokens / BlockTokens); // Else hashed with another block size.
        var hitsMax = Math.Min(prompt.Length, (request.PromptTokens - 1) / BlockTokens);
        for (var i = 0; i < hitsMax; i++)
        {
            var block = _pool.Find(prompt[i]);
            if (block < 0) return i;
            if (_pool.References(block) == 0) revived++;
        }

        return hitsMax;
    }

    /// <summary>Whether the next token goes into a block that somebody else holds too.</summary>
    private bool WritesShared(in PagedSequence held) =>
        held.Tokens < (long)held.Count * BlockTokens && _pool.References(held.Table[held.Count - 1]) > 1;

    private void CopyLastBlock(ref PagedSequence held)
    {
        ref var last = ref held.Table[held.Count - 1];
        var (source, target) = (last, _pool.Pop());
        _copies.Add(new(source, target, BlockCopyKind.DeviceToDevice));
        _pool.Drop(source);
        last = target;
    }

    /// <summary>Notes how many tokens a sequence has room for, and names the prompt blocks that they fill.</summary>
    private void Cover(ref PagedSequence held, int tokens)
    {
        held.Tokens = tokens;
        Check.That(held.Count == KvBlocks.For(tokens, BlockTokens));
        if (held.NamedBlocks == held.Prompt.Length) return;

        var prompt = held.Prompt.Span;
        var full = Math.Min(prompt.Length, tokens / BlockTokens);
        for (; held.NamedBlocks < full; held.NamedBlocks++)
            _pool.Name(held.Table[held.NamedBlocks], prompt[held.NamedBlocks]);
    }
}
