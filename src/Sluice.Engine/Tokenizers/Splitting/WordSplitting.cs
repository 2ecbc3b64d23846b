using Sluice.Core;

namespace Sluice.Engine;

/// <summary>How a byte-level vocabulary is used, by the name in <c>tokenizer.ggml.pre</c>.</summary>
/// <param name="TakesWholeWords">A word that is a token is taken as it is, whatever merges would make of it.</param>
/// <param name="AddsBos">If the file does not say.</param>
internal sealed record WordSplitting(WordSplitter Splitter, bool TakesWholeWords = false, bool AddsBos = false)
{
    private const string Key = "tokenizer.ggml.pre";

    private static readonly Dictionary<string, Func<WordSplitting>> s_byName = new(StringComparer.Ordinal);

    static WordSplitting()
    {
        Add(() => new(new Gpt2Splitter()),
            "gpt-2", "gpt2", "phi-2", "jina-es", "jina-de", "jina-v1-en", "jina-v2-es", "jina-v2-de", "jina-v2-code", "gigachat",
            "roberta-bpe", "mpt", "olmo", "a.x-4.0", "mellum");
        Add(() => new(new Llama3Splitter(3), TakesWholeWords: true, AddsBos: true),
            "llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2");
        Add(() => new(new Llama3Splitter(3)), "dbrx", "smaug-bpe", "chatglm-bpe", "glm4");
        Add(() => new(new Llama3Splitter(1)), "qwen2", "deepseek-r1-qwen", "megrez", "stablelm2", "hunyuan", "solar-open");
        Add(() => new(new StagedSplitter([OneNumber], new Gpt2Splitter())),
            "starcoder", "refact", "command-r", "smollm", "codeshell", "exaone", "minerva-7b");
        Add(() => new(new CaseSplitter(1, contractions: false), TakesWholeWords: true, AddsBos: true), "tekken");
        Add(() => new(new CaseSplitter(3, contractions: true)), "gpt-4o", "llama4");
        Add(() => new(new StagedSplitter([OneLineEnd, SpacedLetters, SpacedPunctuation, EastAsian, OneNumber], null)),
            "deepseek-coder");
        Add(() => new(new StagedSplitter([Punctuation, Gpt2Words, Numbers, ThreeDigits], null)), "default");
    }

    /// <exception cref="InputException">The name is not known. A vocabulary that is cut wrongly still gives tokens, only worse
    /// ones, so nobody would notice.</exception>
    public static WordSplitting Read(GgufFile file)
    {
        var name = file.Metadata.FindText(Key) ?? "default";
        if (s_byName.TryGetValue(name, out var make)) return make();
        string[] known = [.. s_byName.Keys.Order(StringComparer.Ordinal)];
        throw new InputException($"{file.Path}: metadata key '{Key}' is '{name}': {Nearest.HintAndList(name, known)}.");
    }

    private static void Add(Func<WordSplitting> make, params ReadOnlySpan<string> names)
    {
        foreach (var name in names) s_byName.Add(name, make);
    }

    /// <summary><c>\p{N}</c></summary>
    private static int OneNumber(ReadOnlySpan<byte> text, int at) => Llama3Splitter.Digits(text, at, 1);

    /// <summary><c>\p{N}+</c></summary>
    private static int Numbers(ReadOnlySpan<byte> text, int at) => LetterClasses.Skip(text, at, Letters.Number);

    /// <summary><c>[0-9][0-9][0-9]</c></summary>
    private static int ThreeDigits(ReadOnlySpan<byte> text, int at) =>
        at + 3 <= text.Length && !text.Slice(at, 3).ContainsAnyExceptInRange((byte)'0', (byte)'9') ? at + 3 : at;

    /// <summary><c>[\p{P}\$\+&lt;=&gt;\^~\|]+</c></summary>
    private static int Punctuation(ReadOnlySpan<byte> text, int at)
    {
        while (at < text.Length && LetterClasses.At(text, at) is var (letters, bytes)
            && ((letters & Letters.Punctuation) != 0 || "$+<=>^~|"u8.Contains(text[at]))) at += bytes;
        return at;
    }

    private static int Gpt2Words(ReadOnlySpan<byte> text, int at) => s_gpt2.Next(text, at, []);

    /// <summary><c>[\r\n]</c></summary>
    private static int OneLineEnd(ReadOnlySpan<byte> text, int at) => text[at] is (byte)'\r' or (byte)'\n' ? at + 1 : at;

    /// <summary><c>\s?\p{L}+</c></summary>
    private static int SpacedLetters(ReadOnlySpan<byte> text, int at) => Spaced(text, at, Letters.Letter);

    /// <summary><c>\s?\p{P}+</c></summary>
    private static int SpacedPunctuation(ReadOnlySpan<byte> text, int at) => Spaced(text, at, Letters.Punctuation);

    private static int Spaced(ReadOnlySpan<byte> text, int at, Letters classes)
    {
        var (letters, bytes) = LetterClasses.At(text, at);
        var start = (letters & Letters.Space) != 0 ? at + bytes : at;
        var end = LetterClasses.Skip(text, start, classes);
        return end > start ? end : at;
    }

    /// <summary><c>[一-龥ࠀ-一가-퟿]+</c></summary>
    private static int EastAsian(ReadOnlySpan<byte> text, int at)
    {
        while (at < text.Length)
        {
            System.Text.Rune.DecodeFromUtf8(text[at..], out var rune, out var bytes);
            if (rune.Value is not (>= 0x800 and <= 0x9FA5 or >= 0xAC00 and <= 0xD7FF)) break;
            at += bytes;
        }

        return at;
    }

    private static readonly Gpt2Splitter s_gpt2 = new();
}
