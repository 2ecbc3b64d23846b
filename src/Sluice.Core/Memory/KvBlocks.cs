using System.Runtime.CompilerServices;

namespace Sluice.Core;

/// <summary>Arithmetic of blocks.</summary>
public static class KvBlocks
{
    /// <summary>Blocks that hold <paramref name="tokens"/> tokens, at least 1 of them; one unsigned division, no overflow.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int For(int tokens, int blockTokens) => (int)((uint)(tokens - 1) / (uint)blockTokens) + 1;

    /// <summary>An array that <paramref name="index"/> fits into: at least twice as long, so growth is rare and stops once
    /// warm.</summary>
    internal static void Fit<T>(ref T[] array, int index) =>
        Array.Resize(ref array, Math.Max(checked(index + 1), array.Length * 2));
}
