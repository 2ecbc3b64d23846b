namespace Sluice.Core;

/// <summary>Hands out contiguous ranges of one region of memory.</summary>
internal interface IRangeAllocator
{
    /// <summary>What a range for <paramref name="length"/> really takes; <see cref="int.MaxValue"/> if the region could never
    /// hold it.</summary>
    int SizeOf(int length);

    /// <returns>The start of a range of <see cref="SizeOf"/> this length, or -1 if no hole is long enough.</returns>
    int Take(int length);

    /// <param name="start">As taken.</param>
    /// <param name="length">As taken, or its <see cref="SizeOf"/>.</param>
    void GiveBack(int start, int length);

    /// <summary>The longest range that could be taken now.</summary>
    int LargestHole { get; }
}
