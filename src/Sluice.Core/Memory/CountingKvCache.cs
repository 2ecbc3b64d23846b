namespace Sluice.Core;

/// <summary>Counts KV blocks per sequence. Which physical block is used does not matter to scheduling, so only counts are
/// kept: the cache of simulated engines.</summary>
/// <remarks>Every call O(1), a few nanoseconds; nothing is shared and no prefix is cached. Agrees with
/// <see cref="PagedKvCache"/> without prefix cache and forks, call for call. Settle a sequence before it is released or
/// swapped out: what it took by <see cref="TryGrow"/> would otherwise stay with the decoding set.</remarks>
public sealed class CountingKvCache : IKvCache
{
    // Blocks of each slot: positive on the device, negative in host memory, 0 when the slot is not in use.
    private int[] _held = new int[64];

    public CountingKvCache(int totalBlocks, int blockTokens, int hostBlocks = 0)
    {
        Check.That(totalBlocks >= 1);
        Check.That(blockTokens >= 1);
        Check.That(hostBlocks >= 0);
        (TotalBlocks, BlockTokens, HostBlocks) = (totalBlocks, blockTokens, hostBlocks);
        (FreeBlocks, HostFreeBlocks) = (totalBlocks, hostBlocks);
    }

    public int BlockTokens { get; }
    public int TotalBlocks { get; }
    public int HostBlocks { get; }
    public int FreeBlocks { get; private set; }
    public int HostFreeBlocks { get; private set; }

    /// <summary>Blocks taken by <see cref="TryGrow"/> that no sequence has claimed yet.</summary>
    public int GrownBlocks { get; private set; }

    public bool GrowsWhileDecoding => true;

    public int CachedTokens(Request request) => 0;

    public bool CanEverHold(Request request, int tokens) => tokens <= (long)TotalBlocks * BlockTokens;

    public bool TryAdmit(int sequence, Request request, int tokens)
    {
        Check.That(sequence >= 0);
        Check.That(tokens >= 1);
        if (sequence >= _held.Length) KvBlocks.Fit(ref _held, sequence);
        Check.That(_held[sequence] == 0);

        var needed = KvBlocks.For(tokens, BlockTokens);
        if (needed > FreeBlocks) return false;

        FreeBlocks -= needed;
        _held[sequence] = needed;
        return true;
    }

    public bool TryReserve(int sequence, int tokens)
    {
        Check.That(tokens >= 1);
        ref var held = ref OnDevice(sequence);
        if (tokens <= (long)held * BlockTokens) return true; // Most calls end here, without a division.

        var lacks = KvBlocks.For(tokens, BlockTokens) - held;
        if (lacks > FreeBlocks) return false;

        FreeBlocks -= lacks;
        held += lacks;
        return true;
    }

    public bool TryGrow(int blocks)
    {
        Check.That(blocks >= 0);
        if (blocks > FreeBlocks) return false;

        FreeBlocks -= blocks;
        GrownBlocks += blocks;
        return true;
    }

    public void Settle(int sequence, int tokens)
    {
        Check.That(tokens >= 1);
        ref var held = ref OnDevice(sequence);
        if (tokens <= (long)held * BlockTokens) return;

        var lacks = KvBlocks.For(tokens, BlockTokens) - held;
        Check.That(lacks <= GrownBlocks);
        GrownBlocks -= lacks;
        held += lacks;
    }

    public void Rewind(int sequence, int tokens)
    {
        ref var held = ref OnDevice(sequence);
        var keeps = Math.Max(1, KvBlocks.For(Math.Max(1, tokens), BlockTokens));
        if (keeps >= held) return;
        FreeBlocks += held - keeps;
        held = keeps;
    }

    public void Release(int sequence)
    {
        ref var held = ref OnDevice(sequence);
        FreeBlocks += held;
        held = 0;
        Check.That(FreeBlocks + GrownBlocks <= TotalBlocks);
    }

    public bool TrySwapOut(int sequence)
    {
        ref var held = ref OnDevice(sequence);
        if (held > HostFreeBlocks) return false;

        FreeBlocks += held;
        HostFreeBlocks -= held;
        held = -held;
        return true;
    }

    public bool TrySwapIn(int sequence, int tokens)
    {
        Check.That(tokens >= 1);
        ref var held = ref OnHost(sequence);
        var needed = Math.Max(-held, KvBlocks.For(tokens, BlockTokens));
        if (needed > FreeBlocks) return false;

        HostFreeBlocks -= held;
        FreeBlocks -= needed;
        held = needed;
        return true;
    }

    public void ReleaseSwapped(int sequence)
    {
        ref var held = ref OnHost(sequence);
        HostFreeBlocks -= held;
        held = 0;
        Check.That(HostFreeBlocks <= HostBlocks);
    }

    private ref int OnDevice(int sequence)
    {
        Check.That((uint)sequence < (uint)_held.Length);
        Check.That(_held[sequence] > 0);
        return ref _held[sequence];
    }

    private ref int OnHost(int sequence)
    {
        Check.That((uint)sequence < (uint)_held.Length);
        Check.That(_held[sequence] < 0);
        return ref _held[sequence];
    }
}
