namespace Sluice.Core.Tests;

/// <summary>Drives caches by a script and compares every answer and every count with bookkeeping that is too simple to be
/// wrong. Several caches given together must answer alike.</summary>
/// <param name="admittedBlocks">Blocks that admission takes for a request and a number of tokens.</param>
/// <param name="sizeOf">Blocks of a range of that many tokens.</param>
internal sealed class KvOracle(Func<Request, int, int> admittedBlocks, Func<int, int> sizeOf, params IKvCache[] caches)
{
    private const int Slots = 12;

    private readonly IKvCache _cache = caches[0];
    private readonly int _hostBlocks = caches[0].HostFreeBlocks;
    private readonly Held[] _held = new Held[Slots];
    private int _grown;

    /// <param name="script">One operation a number.</param>
    public void Run(int[] script)
    {
        foreach (var step in script)
        {
            var rng = new Rng((ulong)step);
            Step(rng.Next(10), rng.Next(Slots), ref rng);
            Compare();
        }

        for (var slot = 0; slot < Slots; slot++) Drop(slot);
        Compare();
        Assert.Equal(_cache.TotalBlocks, _cache.FreeBlocks);
        Assert.Equal(_hostBlocks, _cache.HostFreeBlocks);
    }

    private void Step(int kind, int slot, ref Rng rng)
    {
        ref var held = ref _held[slot];
        var more = rng.Next(2 * _cache.BlockTokens + 2);
        if (held.Host > 0)
        {
            if (kind < 3) Drop(slot);
            else SwapIn(slot, Math.Max(1, held.Tokens + more - 2));
        }
        else if (held.Blocks == 0)
        {
            var prompt = 1 + rng.Next(6 * 16);
            Admit(slot, KvRequests.Of(prompt, outputTokens: 1 + rng.Next(64)), 1 + rng.Next(prompt));
        }
        else if (kind == 0)
        {
            Drop(slot);
        }
        else if (kind == 1)
        {
            SwapOut(slot);
        }
        else if (kind < 5 && _cache.GrowsWhileDecoding)
        {
            Grow(slot, held.Tokens + more);
        }
        else if (kind == 5)
        {
            SettleUp(slot);
        }
        else
        {
            Reserve(slot, Math.Max(1, held.Tokens + more - 1));
        }
    }

    private void Admit(int slot, Request request, int tokens)
    {
        var blocks = admittedBlocks(request, tokens);
        if (!Agree(c => c.TryAdmit(slot, request, tokens), expected: Fits(blocks))) return;
        _held[slot] = new() { Blocks = blocks, Tokens = tokens };
    }

    private void Reserve(int slot, int tokens)
    {
        SettleUp(slot);
        ref var held = ref _held[slot];
        var blocks = Math.Max(held.Blocks, sizeOf(tokens));
        var fits = _cache.GrowsWhileDecoding ? blocks - held.Blocks <= _cache.FreeBlocks : blocks == held.Blocks;
        if (!Agree(c => c.TryReserve(slot, tokens), fits)) return;
        held.Blocks = blocks;
        held.Tokens = Math.Max(held.Tokens, tokens);
    }

    private void Grow(int slot, int tokens)
    {
        ref var held = ref _held[slot];
        var lacks = Math.Max(0, sizeOf(tokens) - held.Blocks - held.Owed);
        if (!Agree(c => c.TryGrow(lacks), lacks <= _cache.FreeBlocks)) return;
        _grown += lacks;
        held.Owed += lacks;
        held.Tokens = Math.Max(held.Tokens, tokens);
    }

    private void SettleUp(int slot)
    {
        ref var held = ref _held[slot];
        foreach (var cache in caches) cache.Settle(slot, held.Tokens);
        held.Blocks += held.Owed;
        _grown -= held.Owed;
        held.Owed = 0;
    }

    private void SwapOut(int slot)
    {
        SettleUp(slot);
        ref var held = ref _held[slot];
        if (!Agree(c => c.TrySwapOut(slot), held.Blocks <= _cache.HostFreeBlocks)) return;
        (held.Host, held.Blocks) = (held.Blocks, 0);
    }

    private void SwapIn(int slot, int tokens)
    {
        ref var held = ref _held[slot];
        var blocks = Math.Max(held.Host, sizeOf(tokens));
        if (!Agree(c => c.TrySwapIn(slot, tokens), Fits(blocks))) return;
        (held.Host, held.Blocks) = (0, blocks);
        held.Tokens = Math.Max(held.Tokens, tokens);
    }

    private void Drop(int slot)
    {
        ref var held = ref _held[slot];
        if (held.Blocks > 0)
        {
            SettleUp(slot);
            foreach (var cache in caches) cache.Release(slot);
        }
        else if (held.Host > 0)
        {
            foreach (var cache in caches) cache.ReleaseSwapped(slot);
        }

        held = default;
    }

    /// <summary>Where ranges are contiguous, what is free must also lie in one piece.</summary>
    private bool Fits(int blocks) =>
        blocks <= (_cache is ReservingKvCache reserving ? reserving.LargestHoleTokens : _cache.FreeBlocks);

    private bool Agree(Func<IKvCache, bool> call, bool expected)
    {
        foreach (var cache in caches) Assert.Equal(expected, call(cache));
        return expected;
    }

    private void Compare()
    {
        var taken = _held.Sum(h => h.Blocks) + _grown;
        foreach (var cache in caches)
        {
            Assert.Equal(cache.TotalBlocks - taken, cache.FreeBlocks);
            Assert.Equal(_hostBlocks - _held.Sum(h => h.Host), cache.HostFreeBlocks);
            Assert.Equal(taken, cache.TakenBlocks());
        }
    }

    private struct Held
    {
        public int Blocks;
        public int Host;
        public int Tokens;
        public int Owed; // Taken by TryGrow, not settled yet.
    }
}
