using System.Buffers.Binary;
using Sluice.Core;

namespace Sluice.Engine;

/// <summary>A sequence outside any engine, with its KV: what live migration moves.</summary>
/// <remarks>The layout of a block is the model's own; only an engine with the same weights and block size can go on from it,
/// which <see cref="ModelKey"/> says. Little-endian: a header of nine 32-bit numbers and the 64-bit key, the token ids, then
/// the blocks.</remarks>
public sealed class SequenceImage
{
    private const int Magic = 0x51534C53; // "SLSQ"
    private const int Version = 1;
    private const int TokensMax = 1 << 24;
    private const int BlockBytesMax = 1 << 30;

    public required ulong ModelKey { get; init; }
    public required int BlockTokens { get; init; }
    public required int BlockBytes { get; init; }
    public required int PromptTokens { get; init; }
    public required int OutputLimit { get; init; }
    public required int Priority { get; init; }

    /// <summary>Prompt and output so far.</summary>
    public required int[] Tokens { get; init; }

    /// <summary>Tokens whose KV is in the blocks: all but the newest.</summary>
    public required int Computed { get; init; }

    public required byte[][] Blocks { get; init; }

    /// <summary>Answers with another sink than the one it left; set by who moves it.</summary>
    internal LiveSequence? Sequence { get; init; }

    public void WriteTo(Stream stream)
    {
        Span<byte> header = stackalloc byte[9 * 4 + 8];
        ReadOnlySpan<int> numbers =
            [Magic, Version, BlockTokens, BlockBytes, PromptTokens, OutputLimit, Priority, Tokens.Length, Computed];
        for (var i = 0; i < numbers.Length; i++) BinaryPrimitives.WriteInt32LittleEndian(header[(4 * i)..], numbers[i]);
        BinaryPrimitives.WriteUInt64LittleEndian(header[^8..], ModelKey);
        stream.Write(header);
        Span<byte> word = stackalloc byte[4];
        foreach (var token in Tokens)
        {
            BinaryPrimitives.WriteInt32LittleEndian(word, token);
            stream.Write(word);
        }

        foreach (var block in Blocks) stream.Write(block);
    }

    /// <exception cref="InputException">It is no such image, or it contradicts itself.</exception>
    /// <exception cref="EndOfStreamException">It ends too early.</exception>
    public static SequenceImage ReadFrom(Stream stream)
    {
        Span<byte> header = stackalloc byte[9 * 4 + 8];
        stream.ReadExactly(header);
        Span<int> n = stackalloc int[9];
        for (var i = 0; i < n.Length; i++) n[i] = BinaryPrimitives.ReadInt32LittleEndian(header[(4 * i)..]);
        if (n[0] != Magic) throw new InputException("moved sequence: does not begin with SLSQ.");
        if (n[1] != Version) throw new InputException($"moved sequence: version {n[1]}, expected {Version}.");
        Expect(n[2] is >= 1 and <= 4096, "block tokens", n[2]);
        Expect(n[3] is >= 1 and <= BlockBytesMax, "block bytes", n[3]);
        Expect(n[7] is >= 2 and <= TokensMax, "tokens", n[7]);
        Expect(n[4] >= 1 && n[4] < n[7], "prompt tokens", n[4]);
        Expect(n[5] > n[7] - n[4] && n[5] <= TokensMax, "most output tokens", n[5]);
        Expect(n[8] == n[7] - 1, "computed tokens", n[8]);

        // Grown as data comes, so that a header alone takes no memory.
        var tokens = new List<int>();
        Span<byte> word = stackalloc byte[4];
        for (var i = 0; i < n[7]; i++)
        {
            stream.ReadExactly(word);
            tokens.Add(BinaryPrimitives.ReadInt32LittleEndian(word));
        }

        var blocks = new byte[(n[8] - 1) / n[2] + 1][];
        for (var i = 0; i < blocks.Length; i++)
        {
            blocks[i] = new byte[n[3]];
            stream.ReadExactly(blocks[i]);
        }

        return new()
        {
            ModelKey = BinaryPrimitives.ReadUInt64LittleEndian(header[^8..]),
            BlockTokens = n[2], BlockBytes = n[3], PromptTokens = n[4], OutputLimit = n[5], Priority = n[6],
            Tokens = [.. tokens], Computed = n[8], Blocks = blocks,
        };
    }

    private static void Expect(bool condition, string field, int value)
    {
        if (!condition) throw new InputException($"moved sequence: {field} {value} is not possible.");
    }
}
