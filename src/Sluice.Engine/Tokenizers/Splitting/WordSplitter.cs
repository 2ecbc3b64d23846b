namespace Sluice.Engine;

/// <summary>Cuts a text into the words within which a byte-level vocabulary merges.</summary>
/// <remarks>Written by hand from the regular expressions that the models were trained with: one pass, no backtracking. No
/// state; may be used from any thread.</remarks>
internal abstract class WordSplitter
{
    /// <summary>The place after the word that begins at a place: further on, and on the border of a character.</summary>
    public abstract int Next(ReadOnlySpan<byte> text, int at);

    /// <summary>Whitespace, when nothing else fits: to the last line end in the run if lines end words
    /// (<c>\s*[\r\n]+</c>); else all but the last, which belongs to the word after it (<c>\s+(?!\S)</c>); else
    /// all.</summary>
    /// <param name="at">There is whitespace.</param>
    protected static int NextSpace(ReadOnlySpan<byte> text, int at, bool linesEnd)
    {
        int last = at, afterLine = 0, end = at;
        while (LetterClasses.At(text, end) is var (letters, bytes) && (letters & Letters.Space) != 0)
        {
            last = end;
            end += bytes;
            if (text[last] is (byte)'\r' or (byte)'\n') afterLine = end;
        }

        if (linesEnd && afterLine > 0) return afterLine;
        return end < text.Length && last > at ? last : end;
    }

    /// <summary>Length of <c>'s 't 're 've 'm 'll 'd</c>; 0 if there is none.</summary>
    protected static int Contraction(ReadOnlySpan<byte> text, int at, bool anyCase)
    {
        if (at + 1 >= text.Length || text[at] != '\'') return 0;
        var first = Letter(text[at + 1]);
        if (first is 's' or 't' or 'm' or 'd') return 2;
        if (at + 2 >= text.Length) return 0;
        return (first, Letter(text[at + 2])) is ('r', 'e') or ('v', 'e') or ('l', 'l') ? 3 : 0;

        char Letter(byte b) => (char)(anyCase && b is >= (byte)'A' and <= (byte)'Z' ? b | 32 : b);
    }
}

/// <summary>The words of GPT-2.</summary>
/// <remarks><c>'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+</c></remarks>
internal sealed class Gpt2Splitter : WordSplitter
{
    public override int Next(ReadOnlySpan<byte> text, int at)
    {
        if (Contraction(text, at, anyCase: false) is > 0 and var length) return at + length;

        var start = text[at] == ' ' ? at + 1 : at;
        var (letters, bytes) = LetterClasses.At(text, start);
        if ((letters & Letters.Letter) != 0) return LetterClasses.Skip(text, start, Letters.Letter);
        if ((letters & Letters.Number) != 0) return LetterClasses.Skip(text, start, Letters.Number);
        if (bytes > 0 && (letters & Letters.Space) == 0)
            return LetterClasses.SkipOthers(text, start, Letters.Letter | Letters.Number | Letters.Space);
        return NextSpace(text, at, linesEnd: false);
    }
}

/// <summary>The words of Llama 3 and Qwen 2, which differ in how many digits stay together.</summary>
/// <remarks><c>(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|</c>
/// <c> ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+</c></remarks>
/// <param name="digitsMax">3 for Llama 3, 1 for Qwen 2.</param>
internal sealed class Llama3Splitter(int digitsMax) : WordSplitter
{
    public override int Next(ReadOnlySpan<byte> text, int at)
    {
        if (Contraction(text, at, anyCase: true) is > 0 and var length) return at + length;

        var (letters, bytes) = LetterClasses.At(text, at);
        if ((letters & Letters.Letter) != 0) return LetterClasses.Skip(text, at, Letters.Letter);
        if ((letters & Letters.Number) != 0) return Digits(text, at, digitsMax);
        if (text[at] is not ((byte)'\r' or (byte)'\n') && (LetterClasses.At(text, at + bytes).Class & Letters.Letter) != 0)
            return LetterClasses.Skip(text, at + bytes, Letters.Letter);

        var start = text[at] == ' ' ? at + 1 : at;
        var (next, nextBytes) = LetterClasses.At(text, start);
        if (nextBytes == 0 || (next & (Letters.Space | Letters.Letter | Letters.Number)) != 0)
            return NextSpace(text, at, linesEnd: true);
        var end = LetterClasses.SkipOthers(text, start, Letters.Letter | Letters.Number | Letters.Space);
        while (end < text.Length && text[end] is (byte)'\r' or (byte)'\n') end++;
        return end;
    }

    internal static int Digits(ReadOnlySpan<byte> text, int at, int max)
    {
        for (var count = 0; count < max; count++)
        {
            var (letters, bytes) = LetterClasses.At(text, at);
            if ((letters & Letters.Number) == 0) break;
            at += bytes;
        }

        return at;
    }
}

/// <summary>The words of GPT-4o and of Mistral's Tekken, which end where small letters are followed by capital
/// ones.</summary>
/// <remarks><c>[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+</c>, the same with <c>+</c> and
/// <c>*</c> changed over, each followed by a contraction in GPT-4o;
/// <c>\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+</c></remarks>
/// <param name="digitsMax">3 for GPT-4o, 1 for Tekken.</param>
/// <param name="contractions">GPT-4o's.</param>
internal sealed class CaseSplitter(int digitsMax, bool contractions) : WordSplitter
{
    public override int Next(ReadOnlySpan<byte> text, int at)
    {
        var (letters, bytes) = LetterClasses.At(text, at);
        if (CasedWord(text, at, letters, bytes) is > 0 and var end)
            return contractions ? end + Contraction(text, end, anyCase: true) : end;
        if ((letters & Letters.Number) != 0) return Llama3Splitter.Digits(text, at, digitsMax);

        var start = text[at] == ' ' ? at + 1 : at;
        var (next, nextBytes) = LetterClasses.At(text, start);
        if (nextBytes == 0 || (next & (Letters.Space | Letters.Letter | Letters.Number)) != 0)
            return NextSpace(text, at, linesEnd: true);
        end = LetterClasses.SkipOthers(text, start, Letters.Letter | Letters.Number | Letters.Space);
        while (end < text.Length && text[end] is (byte)'\r' or (byte)'\n' or (byte)'/') end++;
        return end;
    }

    /// <returns>0 if no word begins here.</returns>
    private static int CasedWord(ReadOnlySpan<byte> text, int at, Letters letters, int bytes)
    {
        // One character that is neither letter nor number may lead; a mark may lead or belong to the word.
        var mayLead = text[at] is not ((byte)'\r' or (byte)'\n') && (letters & (Letters.Letter | Letters.Number)) == 0;
        var middle = SkipCapitals(text, at);
        var ledMiddle = mayLead ? SkipCapitals(text, at + bytes) : 0;
        if (mayLead && EndOfSmall(text, at + bytes, ledMiddle) is > 0 and var led) return led;
        if (EndOfSmall(text, at, middle) is > 0 and var end) return end;
        return ledMiddle > at + bytes ? ledMiddle : middle > at ? middle : 0;
    }

    /// <summary>Capital letters, what has no case, and marks.</summary>
    private static int SkipCapitals(ReadOnlySpan<byte> text, int at)
    {
        while (LetterClasses.At(text, at) is var (letters, bytes) && IsWord(letters) && (letters & Letters.Lower) == 0) at += bytes;
        return at;
    }

    /// <summary>The end of the first alternative: small letters after <paramref name="middle"/>; if there are none, what has no
    /// case counts as small, and the last of it before <paramref name="middle"/> is the end.</summary>
    /// <returns>0 if there is no such word.</returns>
    private static int EndOfSmall(ReadOnlySpan<byte> text, int at, int middle)
    {
        var end = middle;
        while (LetterClasses.At(text, end) is var (letters, bytes) && IsWord(letters) && (letters & Letters.Upper) == 0) end += bytes;
        if (end > middle) return end;

        var last = 0;
        while (at < middle)
        {
            var (letters, bytes) = LetterClasses.At(text, at);
            at += bytes;
            if ((letters & Letters.Upper) == 0) last = at;
        }

        return last;
    }

    private static bool IsWord(Letters letters) => (letters & (Letters.Letter | Letters.Mark)) != 0;
}

/// <summary>Cuts first by simple rules, then what is left between their finds by a last one.</summary>
/// <param name="rules">Each gives the end of what it finds at a place, or the place itself.</param>
/// <param name="last">Sees only what lies between the finds, as if it were the whole text.</param>
internal sealed class StagedSplitter(StagedSplitter.Rule[] rules, WordSplitter? last) : WordSplitter
{
    public delegate int Rule(ReadOnlySpan<byte> text, int at);

    public override int Next(ReadOnlySpan<byte> text, int at) => Next(text, at, 0);

    /// <summary>The word that begins at a place of a text that the rules before this stage have left whole.</summary>
    private int Next(ReadOnlySpan<byte> text, int at, int stage)
    {
        if (stage == rules.Length) return last?.Next(text, at) ?? text.Length;
        var end = rules[stage](text, at);
        if (end > at) return Within(text, at, end, stage);

        for (end = at; end < text.Length && rules[stage](text, end) == end;) end += LetterClasses.At(text, end).Bytes;
        return Within(text, at, end, stage);
    }

    private int Within(ReadOnlySpan<byte> text, int at, int end, int stage) => Next(text[..end], at, stage + 1);
}
