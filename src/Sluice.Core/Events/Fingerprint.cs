using System.Numerics;

namespace Sluice.Core;

/// <summary>A 64-bit hash over a stream of events; equal streams have equal fingerprints. Not for secrets.</summary>
public struct Fingerprint()
{
    private const ulong Prime1 = 0x9E3779B185EBCA87UL;
    private const ulong Prime2 = 0xC2B2AE3D27D4EB4FUL;

    private ulong _state = Prime1;

    public readonly ulong Value
    {
        get
        {
            var z = _state;
            z = (z ^ (z >> 33)) * Prime2;
            z = (z ^ (z >> 29)) * Prime1;
            return z ^ (z >> 32);
        }
    }

    public void Add(in SluiceEvent e)
    {
        Mix((ulong)e.At.Ticks);
        Mix((ulong)e.Request.Value);
        Mix(((ulong)(uint)e.Engine.Index << 32) | (uint)e.Amount);
        Mix((ulong)e.Kind);
    }

    private void Mix(ulong word) => _state = BitOperations.RotateLeft(_state ^ (word * Prime2), 31) * Prime1;
}
