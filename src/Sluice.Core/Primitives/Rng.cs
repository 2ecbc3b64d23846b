namespace Sluice.Core;

/// <summary>SplitMix64. Ours, so a library update cannot change a result, and integer only, so a platform cannot
/// either.</summary>
/// <remarks>Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (OOPSLA 2014). Not for
/// secrets.</remarks>
public struct Rng(ulong seed)
{
    private const ulong Increment = 0x9E3779B97F4A7C15UL;

    private ulong _state = seed;

    /// <summary>An independent stream. Same parent and name, same numbers, whatever other streams were drawn in
    /// between, as long as the parent itself was not drawn from.</summary>
    public readonly Rng Fork(ReadOnlySpan<char> name)
    {
        var hash = 14695981039346656037UL ^ _state;
        foreach (var c in name) hash = (hash ^ c) * 1099511628211UL;
        return new(hash);
    }

    /// <summary>The stream of one of many: of a request, so that what is drawn for it does not depend on who came before.</summary>
    /// <param name="salt">Tells several draws for the same one apart.</param>
    public readonly Rng Fork(ReadOnlySpan<char> name, long index, ulong salt = 0) =>
        new(Fork(name).NextUInt64() + (ulong)index * Increment + salt);

    public ulong NextUInt64()
    {
        var z = _state += Increment;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBUL;
        return z ^ (z >> 31);
    }

    /// <summary>A number in [0, <paramref name="exclusiveMax"/>); bias below 2⁻³² for the ranges we use.</summary>
    public int Next(int exclusiveMax)
    {
        Check.That(exclusiveMax > 0);
        return (int)Math.BigMul(NextUInt64(), (ulong)exclusiveMax, out _);
    }

    /// <summary>Uniform in [0, 1), a multiple of 2⁻⁵³.</summary>
    public double NextDouble() => (NextUInt64() >> 11) * (1.0 / (1UL << 53));
}
