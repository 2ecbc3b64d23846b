using System.Numerics;
using Sluice.Core;

namespace Sluice.Engine;

/// <summary>Names the full blocks of a prompt by their content and all that stands before them.</summary>
/// <remarks>SipHash-2-4 (Aumasson and Bernstein, 2012), chained block by block. The key is the engine's secret: who chooses
/// prompts cannot make two of them meet in one name and read another's KV.</remarks>
public readonly struct TokenBlockHashes(ulong key0, ulong key1)
{
    /// <summary>Hashes of the blocks that the tokens fill.</summary>
    public ulong[] Of(ReadOnlySpan<int> tokens, int blockTokens)
    {
        Check.That(blockTokens >= 1);
        var hashes = new ulong[tokens.Length / blockTokens];
        var chain = 0UL;
        for (var i = 0; i < hashes.Length; i++)
        {
            chain = Hash(chain, tokens.Slice(i * blockTokens, blockTokens));
            hashes[i] = chain;
        }

        return hashes;
    }

    private ulong Hash(ulong chain, ReadOnlySpan<int> tokens)
    {
        var v = new State(key0, key1);
        v.Take(chain);
        foreach (var token in tokens) v.Take((uint)token);
        return v.End((ulong)(tokens.Length + 1));
    }

    private struct State(ulong key0, ulong key1)
    {
        private ulong _a = key0 ^ 0x736F6D6570736575UL;
        private ulong _b = key1 ^ 0x646F72616E646F6DUL;
        private ulong _c = key0 ^ 0x6C7967656E657261UL;
        private ulong _d = key1 ^ 0x7465646279746573UL;

        public void Take(ulong word)
        {
            _d ^= word;
            Round();
            Round();
            _a ^= word;
        }

        public ulong End(ulong words)
        {
            Take(words << 56);
            _c ^= 0xFF;
            for (var i = 0; i < 4; i++) Round();
            return _a ^ _b ^ _c ^ _d;
        }

        private void Round()
        {
            _a += _b;
            _b = BitOperations.RotateLeft(_b, 13) ^ _a;
            _a = BitOperations.RotateLeft(_a, 32);
            _c += _d;
            _d = BitOperations.RotateLeft(_d, 16) ^ _c;
            _a += _d;
            _d = BitOperations.RotateLeft(_d, 21) ^ _a;
            _c += _b;
            _b = BitOperations.RotateLeft(_b, 17) ^ _c;
            _c = BitOperations.RotateLeft(_c, 32);
        }
    }
}
