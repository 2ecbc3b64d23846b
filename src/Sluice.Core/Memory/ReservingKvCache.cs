namespace Sluice.Core;

/// <summary>KV memory as it was before paging: a sequence gets one contiguous range at admission, as long as a rule says it
/// can ever need.</summary>
/// <remarks>
/// Source: the baselines of PagedAttention (SOSP 2023); rules in <see cref="ReservationRules"/>. A block is one token. Free
/// tokens in small holes do not help a long request: admission fails while <see cref="FreeBlocks"/> would do, so the waste
/// outside ranges is real and not assumed.
/// <para>Decoding takes nothing. A rule that may fall short, such as a prediction, is followed all the same: admission takes
/// the longer of the rule and what is asked for, <see cref="TryReserve"/> past the range is false, and
/// <see cref="Settle"/> past it is a bug. Host memory is counted and not laid out.</para>
/// </remarks>
public sealed class ReservingKvCache : IKvCache
{
    private readonly Func<Request, int> _reserveTokens;
    private readonly IRangeAllocator _ranges;

    // Of each slot: tokens of its range, negative in host memory, 0 when not in use; and where the range starts.
    private int[] _sizes = new int[64];
    private int[] _starts = new int[64];

    /// <param name="totalTokens">The region.</param>
    /// <param name="reserveTokens">Length of a request's range in tokens, at least 1; a pure function.</param>
    /// <param name="policy">How ranges are found.</param>
    /// <param name="hostTokens">Host memory for swapped-out ranges; systems before paging had none.</param>
    public ReservingKvCache(
        int totalTokens, Func<Request, int> reserveTokens, ReservationPolicy policy = ReservationPolicy.FirstFit,
        int hostTokens = 0)
    {
        Check.That(totalTokens >= 1);
        Check.That(hostTokens >= 0);
        _reserveTokens = reserveTokens;
        _ranges = policy switch
        {
            ReservationPolicy.FirstFit => new FirstFitRanges(totalTokens),
            ReservationPolicy.Buddy => new BuddyRanges(totalTokens),
            _ => throw new InvariantException($"unmapped {policy}"),
        };
        (TotalBlocks, HostBlocks) = (totalTokens, hostTokens);
        (FreeBlocks, HostFreeBlocks) = (totalTokens, hostTokens);
    }

    public int BlockTokens => 1;
    public int TotalBlocks { get; }
    public int HostBlocks { get; }
    public int FreeBlocks { get; private set; }
    public int HostFreeBlocks { get; private set; }
    public bool GrowsWhileDecoding => false;

    /// <summary>Tokens inside ranges, used or not.</summary>
    public int ReservedTokens => TotalBlocks - FreeBlocks;

    /// <summary>The longest range that could be taken now.</summary>
    public int LargestHoleTokens => _ranges.LargestHole;

    public int CachedTokens(Request request) => 0;

    /// <summary>True if an empty region has a range as long as the rule says, and no shorter than
    /// <paramref name="tokens"/>.</summary>
    public bool CanEverHold(Request request, int tokens) => _ranges.SizeOf(LengthFor(request, tokens)) <= TotalBlocks;

    public bool TryAdmit(int sequence, Request request, int tokens)
    {
        Check.That(sequence >= 0);
        Check.That(tokens >= 1);
        if (sequence >= _sizes.Length)
        {
            KvBlocks.Fit(ref _starts, sequence);
            KvBlocks.Fit(ref _sizes, sequence);
        }

        Check.That(_sizes[sequence] == 0);
        return TryTake(sequence, LengthFor(request, tokens));
    }

    public bool TryReserve(int sequence, int tokens)
    {
        Check.That(tokens >= 1);
        return tokens <= OnDevice(sequence);
    }

    /// <summary>Only ever asked for nothing here.</summary>
    public bool TryGrow(int blocks)
    {
        Check.That(blocks == 0);
        return true;
    }

    public void Settle(int sequence, int tokens)
    {
        Check.That(tokens >= 1);
        Check.That(tokens <= OnDevice(sequence));
    }

    public void Release(int sequence)
    {
        GiveBack(sequence);
        _sizes[sequence] = 0;
    }

    public bool TrySwapOut(int sequence)
    {
        var size = OnDevice(sequence);
        if (size > HostFreeBlocks) return false;

        GiveBack(sequence);
        HostFreeBlocks -= size;
        _sizes[sequence] = -size;
        return true;
    }

    public bool TrySwapIn(int sequence, int tokens)
    {
        Check.That(tokens >= 1);
        var hostTokens = OnHost(sequence);
        if (!TryTake(sequence, Math.Max(hostTokens, tokens))) return false;

        HostFreeBlocks += hostTokens;
        return true;
    }

    public void ReleaseSwapped(int sequence)
    {
        HostFreeBlocks += OnHost(sequence);
        _sizes[sequence] = 0;
        Check.That(HostFreeBlocks <= HostBlocks);
    }

    /// <summary>Where a sequence's range lies.</summary>
    internal (int Start, int Size) RangeOf(int sequence) => (_starts[sequence], OnDevice(sequence));

    private int LengthFor(Request request, int tokens)
    {
        var length = _reserveTokens(request);
        Check.That(length >= 1);
        return Math.Max(length, tokens);
    }

    private bool TryTake(int sequence, int length)
    {
        var start = _ranges.Take(length);
        if (start < 0) return false;

        (_starts[sequence], _sizes[sequence]) = (start, _ranges.SizeOf(length));
        FreeBlocks -= _sizes[sequence];
        Check.That(FreeBlocks >= 0);
        return true;
    }

    private void GiveBack(int sequence)
    {
        var size = OnDevice(sequence);
        _ranges.GiveBack(_starts[sequence], size);
        FreeBlocks += size;
        Check.That(FreeBlocks <= TotalBlocks);
    }

    private int OnDevice(int sequence)
    {
        Check.That((uint)sequence < (uint)_sizes.Length);
        Check.That(_sizes[sequence] > 0);
        return _sizes[sequence];
    }

    private int OnHost(int sequence)
    {
        Check.That((uint)sequence < (uint)_sizes.Length);
        Check.That(_sizes[sequence] < 0);
        return -_sizes[sequence];
    }
}
