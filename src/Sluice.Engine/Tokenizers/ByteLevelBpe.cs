using System.Runtime.InteropServices;
using Sluice.Core;

namespace Sluice.Engine;

/// <summary>The tokenizer of GPT-2, Llama 3 and Qwen: a text is cut into words, and within a word bytes are merged by
/// rank.</summary>
/// <remarks>Source: Sennrich et al., "Neural machine translation of rare words with subword units" (ACL 2016) on bytes, and the
/// goldens. Words of any length take n log n.</remarks>
internal sealed class ByteLevelBpe : Tokenizer
{
    private const string MergesKey = "tokenizer.ggml.merges";
    private const int MergesMax = 8 << 20;

    private readonly ByteTable _symbols;
    private readonly PairTable _merges;
    private readonly int[] _byteSymbols;
    private readonly WordSplitter _splitter;
    private readonly bool _takesWholeWords;

    private ByteLevelBpe(GgufFile file, TokenVocabulary vocabulary, WordSplitting splitting)
        : base(file, vocabulary, bosDefault: -1, eosDefault: -1, splitting.AddsBos)
    {
        (_splitter, _takesWholeWords) = (splitting.Splitter, splitting.TakesWholeWords);

        // Symbols are the tokens and, above them, what a merge gives on the way and is no token itself.
        _symbols = vocabulary.TableOfText();
        var next = vocabulary.Count;
        _byteSymbols = new int[256];
        for (var b = 0; b < 256; b++) _byteSymbols[b] = SymbolOf(_symbols, [(byte)b], ref next);
        _merges = ReadMerges(file, _symbols, ref next);
    }

    public static new ByteLevelBpe Read(GgufFile file)
    {
        var splitting = WordSplitting.Read(file);
        return new(file, TokenVocabulary.Read(file, DecodeToken), splitting);
    }

    private protected override void EncodePlain(ReadOnlySpan<byte> utf8, bool isFirst, Work work, List<int> to)
    {
        Span<int> ends = stackalloc int[WordSplitter.StagesMax];
        ends.Clear();
        for (var at = 0; at < utf8.Length;)
        {
            var end = _splitter.Next(utf8, at, ends);
            EncodeWord(utf8[at..end], work.Merges, to);
            at = end;
        }
    }

    private void EncodeWord(ReadOnlySpan<byte> word, MergeWork merges, List<int> to)
    {
        if (_takesWholeWords && _symbols.Find(word) is >= 0 and var whole && whole < Vocabulary.Count)
        {
            to.Add(whole);
            return;
        }

        merges.Clear();
        for (var i = 0; i < word.Length; i++) merges.Add(i, 1, _byteSymbols[word[i]]);
        merges.Merge(word, new Rules(_merges));
        for (var at = 0; at >= 0;)
        {
            var (start, length, symbol) = merges.Take(ref at);
            if (symbol < Vocabulary.Count) to.Add(symbol);
            else foreach (var b in word.Slice(start, length)) AddByte(b, to);
        }
    }

    private void AddByte(byte b, List<int> to)
    {
        if (_byteSymbols[b] < Vocabulary.Count) to.Add(_byteSymbols[b]);
        else if (Unknown >= 0) to.Add(Unknown);
    }

    private readonly struct Rules(PairTable merges) : IMergeRules
    {
        public bool TryJoin(int left, int right, ReadOnlySpan<byte> joined, out uint order, out int symbol) =>
            merges.TryFind(left, right, out order, out symbol);
    }

    private static PairTable ReadMerges(GgufFile file, ByteTable symbols, ref int next)
    {
        var texts = file.Metadata.FindTexts(MergesKey) ?? throw file.Metadata.Missing(MergesKey, "the merges");
        if (texts.Count > MergesMax) throw file.Metadata.OutOfRange(MergesKey, $"an array of {texts.Count}", $"at most {MergesMax}");
        var merges = new PairTable(texts.Count);
        var bytes = new List<byte>();
        for (var rank = 0; rank < texts.Count; rank++)
        {
            // The blank parts the two; blanks within them are written as another letter.
            var text = texts[rank];
            var blank = text.Length > 1 ? text[1..].IndexOf((byte)' ') + 1 : 0;
            if (blank == 0 || blank == text.Length - 1)
                throw file.Metadata.OutOfRange(MergesKey, $"an array whose element {rank} has no two parts", "'LEFT RIGHT'");
            bytes.Clear();
            ByteAlphabet.Decode(text[..blank], bytes);
            var split = bytes.Count;
            ByteAlphabet.Decode(text[(blank + 1)..], bytes);
            var joined = CollectionsMarshal.AsSpan(bytes);
            var left = SymbolOf(symbols, joined[..split], ref next);
            var right = SymbolOf(symbols, joined[split..], ref next);
            merges.Add(left, right, (uint)rank, SymbolOf(symbols, joined, ref next));
        }

        return merges;
    }

    private static int SymbolOf(ByteTable symbols, ReadOnlySpan<byte> bytes, ref int next)
    {
        var symbol = symbols.Find(bytes);
        if (symbol >= 0) return symbol;
        symbols.Set(bytes, next);
        return next++;
    }

    private static TokenKind DecodeToken(ReadOnlySpan<byte> text, TokenKind kind, List<byte> to)
    {
        if (kind is TokenKind.Normal or TokenKind.Unused) ByteAlphabet.Decode(text, to);
        else to.AddRange(text);
        return kind;
    }
}
