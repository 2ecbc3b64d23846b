using System.Globalization;
using System.Text;
using Sluice.Core;

namespace Sluice.Engine;

/// <summary>The tokenizer of Llama 2 and Mistral: neighbours are joined as long as what they give is a token, those of the
/// highest score first; what has no token falls back to its bytes.</summary>
/// <remarks>Source: Kudo and Richardson, "SentencePiece" (EMNLP 2018), and the goldens. A blank is U+2581 in the vocabulary. Long
/// texts take n log n.</remarks>
internal sealed class SentencePieceBpe : Tokenizer
{
    private const string ScoresKey = "tokenizer.ggml.scores";

    private readonly ByteTable _table;
    private readonly uint[] _orders;
    private readonly int[] _byteTokens;
    private readonly bool _addsPrefix;

    private SentencePieceBpe(GgufFile file, TokenVocabulary vocabulary, uint[] orders)
        : base(file, vocabulary, bosDefault: 1, eosDefault: 2, addsBosDefault: true)
    {
        _table = vocabulary.TableOfText();
        _orders = orders;
        _addsPrefix = file.Metadata.Flag("tokenizer.ggml.add_space_prefix", true);
        _byteTokens = new int[256];
        Array.Fill(_byteTokens, -1);
        for (var i = 0; i < vocabulary.Count; i++)
            if (vocabulary.Kind(i) == TokenKind.Byte) _byteTokens[vocabulary.Bytes(i)[0]] = i;
    }

    public static new SentencePieceBpe Read(GgufFile file)
    {
        var vocabulary = TokenVocabulary.Read(file, DecodeToken);
        var scores = file.Metadata.FindNumbers(ScoresKey)
            ?? throw file.Metadata.Missing(ScoresKey, "a score for every token");
        if (scores.Length != vocabulary.Count)
            throw file.Metadata.OutOfRange(ScoresKey, $"an array of {scores.Length}", $"{vocabulary.Count} elements, one per token");
        var orders = new uint[scores.Length];
        for (var i = 0; i < orders.Length; i++)
            orders[i] = float.IsNaN(scores[i])
                ? throw file.Metadata.OutOfRange(ScoresKey, $"an array whose element {i} is NaN", "numbers")
                : OrderOf(scores[i]);
        return new(file, vocabulary, orders);
    }

    private protected override void EncodePlain(ReadOnlySpan<byte> utf8, bool isFirst, Work work, List<int> to)
    {
        // The word mark of the vocabulary is decoded to a blank, so the text's own U+2581 is taken for one too.
        var prefix = _addsPrefix && isFirst ? 1 : 0;
        if (work.Bytes.Length < utf8.Length + 1) work.Bytes = new byte[Math.Max(256, utf8.Length + 1)];
        work.Bytes[0] = (byte)' ';
        var length = prefix + CopyMarksAsBlanks(utf8, work.Bytes.AsSpan(prefix));
        var text = work.Bytes.AsSpan(0, length);

        var merges = work.Merges;
        merges.Clear();
        for (var at = 0; at < text.Length;)
        {
            Rune.DecodeFromUtf8(text[at..], out _, out var bytes);
            merges.Add(at, bytes, 0);
            at += bytes;
        }

        merges.Merge(text, new Rules(_table, _orders));
        for (var at = 0; at >= 0;)
        {
            var (start, count, _) = merges.Take(ref at);
            if (_table.Find(text.Slice(start, count)) is >= 0 and var token) to.Add(token);
            else AddBytes(text.Slice(start, count), to);
        }
    }

    /// <summary>A vocabulary without bytes has one unknown token for all that it does not know in a row.</summary>
    private void AddBytes(ReadOnlySpan<byte> letter, List<int> to)
    {
        foreach (var b in letter)
        {
            if (_byteTokens[b] >= 0) to.Add(_byteTokens[b]);
            else if (Unknown >= 0 && (to.Count == 0 || to[^1] != Unknown)) to.Add(Unknown);
        }
    }

    private readonly struct Rules(ByteTable table, uint[] orders) : IMergeRules
    {
        public bool TryJoin(int left, int right, ReadOnlySpan<byte> joined, out uint order, out int symbol)
        {
            symbol = table.Find(joined);
            order = symbol >= 0 ? orders[symbol] : 0;
            return symbol >= 0;
        }
    }

    /// <summary>Higher scores come first, and 0 and -0 are the same.</summary>
    private static uint OrderOf(float score)
    {
        var bits = BitConverter.SingleToUInt32Bits(score + 0f);
        return (bits & 0x80000000) != 0 ? bits : 0x7FFFFFFF - bits;
    }

    private static int CopyMarksAsBlanks(ReadOnlySpan<byte> utf8, Span<byte> to)
    {
        var written = 0;
        while (true)
        {
            var mark = utf8.IndexOf("▁"u8);
            var plain = mark < 0 ? utf8 : utf8[..mark];
            plain.CopyTo(to[written..]);
            written += plain.Length;
            if (mark < 0) return written;
            to[written++] = (byte)' ';
            utf8 = utf8[(mark + 3)..];
        }
    }

    private static TokenKind DecodeToken(ReadOnlySpan<byte> text, TokenKind kind, List<byte> to)
    {
        if (kind == TokenKind.Byte)
        {
            if (text is [(byte)'<', (byte)'0', (byte)'x', _, _, (byte)'>']
                && byte.TryParse(text.Slice(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value))
            {
                to.Add(value);
                return kind;
            }

            kind = TokenKind.Normal;
        }

        Span<byte> decoded = text.Length <= 256 ? stackalloc byte[text.Length] : new byte[text.Length];
        var length = kind is TokenKind.Control or TokenKind.Unknown ? text.Length : CopyMarksAsBlanks(text, decoded);
        to.AddRange(length == text.Length ? text : decoded[..length]);

        // Blanks of a text are marked after its user-defined tokens were found, so one with a mark in it is found by merging.
        return kind == TokenKind.UserDefined && length != text.Length ? TokenKind.Normal : kind;
    }
}
