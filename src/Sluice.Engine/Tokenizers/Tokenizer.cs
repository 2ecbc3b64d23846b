using System.Buffers;
using System.Text;
using Sluice.Core;

namespace Sluice.Engine;

/// <summary>Turns text into a model's tokens and back. May be used from any thread.</summary>
public abstract class Tokenizer
{
    /// <summary>Tokens that end an answer in published models, beside those that the file names. Some files call them
    /// user-defined.</summary>
    private static readonly string[] s_endTexts =
    [
        "<|eot_id|>", "<|eom_id|>", "<|im_end|>", "<|end|>", "<end_of_turn>", "<|endoftext|>", "<|end_of_text|>", "</s>",
        "<｜end▁of▁sentence｜>", "<EOT>", "<|return|>", "<|call|>",
    ];

    /// <summary>Longest text [characters] whose working memory is kept for the next one.</summary>
    private const int SpareTextMax = 1 << 18;

    private readonly SpecialTokens _special;
    private readonly bool[] _isEnd;
    private readonly int[] _endTokens;
    private readonly string?[] _texts;
    private TokenOrder? _order;
    private Work? _spare;

    private protected Tokenizer(GgufFile file, TokenVocabulary vocabulary, int bosDefault, int eosDefault, bool addsBosDefault)
    {
        var meta = file.Metadata;
        Vocabulary = vocabulary;
        _special = new(file, vocabulary);
        int Id(string name, int otherwise) =>
            (int)meta.WholeNumber($"tokenizer.ggml.{name}", -1, vocabulary.Count - 1, otherwise < vocabulary.Count ? otherwise : -1);
        Bos = Id("bos_token_id", bosDefault);
        Eos = Id("eos_token_id", eosDefault);
        Unknown = Id("unknown_token_id", -1);
        AddsBos = meta.Flag("tokenizer.ggml.add_bos_token", addsBosDefault) && Bos >= 0;
        AddsEos = meta.Flag("tokenizer.ggml.add_eos_token", false) && Eos >= 0;

        _texts = new string?[vocabulary.Count];
        _isEnd = new bool[vocabulary.Count];
        foreach (var end in new[] { Eos, Id("eot_token_id", -1), Id("eom_token_id", -1) })
            if (end >= 0) _isEnd[end] = true;
        for (var i = 0; i < vocabulary.Count; i++)
            if (vocabulary.Kind(i) is TokenKind.Control or TokenKind.UserDefined && s_endTexts.Contains(vocabulary.Text(i)))
                _isEnd[i] = true;
        _endTokens = [.. Enumerable.Range(0, vocabulary.Count).Where(IsEnd)];
    }

    public TokenVocabulary Vocabulary { get; }

    /// <summary>The begin token, -1 if there is none.</summary>
    public int Bos { get; }

    /// <summary>The end token, -1 if there is none. Models may have several: ask <see cref="IsEnd"/>.</summary>
    public int Eos { get; }

    /// <summary>Stands for what has no token, -1 if there is none.</summary>
    public int Unknown { get; }

    /// <summary>The model expects the begin token before a text.</summary>
    public bool AddsBos { get; }

    public bool AddsEos { get; }

    /// <summary>A token that ends an answer.</summary>
    public bool IsEnd(int token) => (uint)token < (uint)_isEnd.Length && _isEnd[token];

    /// <summary>All tokens that end an answer.</summary>
    public ReadOnlySpan<int> EndTokens => _endTokens;

    /// <summary>Made when a grammar first needs it.</summary>
    internal TokenOrder Order => LazyInitializer.EnsureInitialized(ref _order, () => new(this));

    /// <summary>It is no text: whoever reads an answer is not shown it.</summary>
    public bool IsControl(int token) => Vocabulary.Kind(token) is TokenKind.Control or TokenKind.Unknown or TokenKind.Unused;

    /// <exception cref="InputException">The file has no vocabulary, or one of a kind that is not supported.</exception>
    public static Tokenizer Read(GgufFile file)
    {
        var model = file.Metadata.Text("tokenizer.ggml.model");
        return model switch
        {
            "llama" => SentencePieceBpe.Read(file),
            "gpt2" => ByteLevelBpe.Read(file),
            _ => throw new InputException($"{file.Path}: the tokenizer '{model}' is not supported; expected 'llama' "
                + "(SentencePiece BPE) or 'gpt2' (byte-level BPE)."),
        };
    }

    /// <summary>The tokens of a text.</summary>
    /// <param name="addSpecial">Begin and end tokens are added as the model expects them.</param>
    /// <param name="parseSpecial">Control tokens in the text become what they name; else they are text like any other, as what
    /// somebody typed should be.</param>
    public int[] Encode(ReadOnlySpan<char> text, bool addSpecial = true, bool parseSpecial = true)
    {
        var tokens = new List<int>();
        Encode(text, tokens, addSpecial, parseSpecial);
        return [.. tokens];
    }

    /// <summary>As <see cref="Encode(ReadOnlySpan{char},bool,bool)"/>, appended.</summary>
    public void Encode(ReadOnlySpan<char> text, List<int> to, bool addSpecial = true, bool parseSpecial = true)
    {
        // Halves of surrogate pairs become U+FFFD here; from now on all is well-formed UTF-8.
        var utf8 = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetMaxByteCount(text.Length));
        var work = Interlocked.Exchange(ref _spare, null) ?? new Work();
        try
        {
            var length = Encoding.UTF8.GetBytes(text, utf8);
            if (addSpecial && AddsBos) to.Add(Bos);
            Encode(utf8.AsSpan(0, length), work, to, parseSpecial);
            if (addSpecial && AddsEos) to.Add(Eos);
        }
        finally
        {
            work.Matches.Clear();
            if (text.Length <= SpareTextMax) _spare = work;
            ArrayPool<byte>.Shared.Return(utf8);
        }
    }

    /// <summary>The text of tokens, control tokens included; what is not UTF-8 becomes U+FFFD.</summary>
    public string Decode(ReadOnlySpan<int> tokens)
    {
        var bytes = new ArrayBufferWriter<byte>(4 * tokens.Length + 16);
        foreach (var token in tokens) bytes.Write(Vocabulary.Bytes(token));
        return Encoding.UTF8.GetString(bytes.WrittenSpan);
    }

    /// <summary>A piece of an answer as a string; the same object each time where it is just what the token says.</summary>
    internal string Share(int token, ReadOnlySpan<char> text)
    {
        if ((uint)token >= (uint)_texts.Length) return text.ToString();
        var own = _texts[token] ??= Vocabulary.Text(token);
        return text.SequenceEqual(own) ? own : text.ToString();
    }

    /// <summary>Encodes what has no special token in it.</summary>
    /// <param name="isFirst">It begins the text or follows a special token.</param>
    private protected abstract void EncodePlain(ReadOnlySpan<byte> utf8, bool isFirst, Work work, List<int> to);

    private void Encode(ReadOnlySpan<byte> utf8, Work work, List<int> to, bool parseSpecial)
    {
        _special.Find(utf8, parseSpecial, work.Matches);
        var at = 0;
        foreach (var match in work.Matches)
        {
            if (match.Start > at) EncodePlain(utf8[at..match.Start], isFirst: true, work, to);
            to.Add(match.Token);
            at = match.Start + match.Length;
        }

        if (at < utf8.Length) EncodePlain(utf8[at..], isFirst: true, work, to);
    }

    /// <summary>What a call needs and the next one can use again.</summary>
    private protected sealed class Work
    {
        public List<SpecialTokens.Match> Matches { get; } = [];
        public MergeWork Merges { get; } = new();
        public byte[] Bytes { get; set; } = [];
    }
}
