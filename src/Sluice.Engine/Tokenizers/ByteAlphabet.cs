using System.Text;

namespace Sluice.Engine;

/// <summary>The letters that stand for bytes in byte-level vocabularies: printable ones for themselves, the others from U+0100
/// on, in order.</summary>
/// <remarks>Source: Radford et al., "Language models are unsupervised multitask learners" (GPT-2, 2019), code of the
/// encoder.</remarks>
internal static class ByteAlphabet
{
    /// <summary>By code point below U+0144; -1 for one that stands for no byte.</summary>
    private static readonly short[] s_bytes = Make();

    /// <summary>Appends the bytes that a vocabulary's text stands for. A text with any other letter is taken as it
    /// stands.</summary>
    public static void Decode(ReadOnlySpan<byte> text, List<byte> to)
    {
        var start = to.Count;
        for (var rest = text; rest.Length > 0;)
        {
            Rune.DecodeFromUtf8(rest, out var rune, out var bytes);
            if (rune.Value >= s_bytes.Length || s_bytes[rune.Value] < 0)
            {
                to.RemoveRange(start, to.Count - start);
                to.AddRange(text);
                return;
            }

            to.Add((byte)s_bytes[rune.Value]);
            rest = rest[bytes..];
        }
    }

    private static short[] Make()
    {
        var bytes = new short[256 + 68];
        Array.Fill(bytes, (short)-1);
        var next = 256;
        for (var b = 0; b < 256; b++)
            bytes[b is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or >= 0xAE ? b : next++] = (short)b;
        return bytes;
    }
}
