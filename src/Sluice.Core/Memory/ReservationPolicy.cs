namespace Sluice.Core;

/// <summary>How contiguous ranges are found.</summary>
public enum ReservationPolicy : byte
{
    /// <summary>The lowest hole that is long enough.</summary>
    FirstFit,

    /// <summary>Ranges of a power of two, split and merged in pairs: what the baselines of PagedAttention use.</summary>
    Buddy,
}
