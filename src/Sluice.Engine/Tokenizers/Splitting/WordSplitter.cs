namespace Sluice.Engine;

/// <summary>Cuts a text into the words within which a byte-level vocabulary merges.</summary>
/// <remarks>Written by hand from the regular expressions that the models were trained with: one pass, no backtracking. No
/// state of its own; may be used from any thread.</remarks>
internal abstract class WordSplitter
{
    /// <summary>Most rules that cut one after another.</summary>
    public const int StagesMax = 8;

    /// <summary>The place after the word that begins at a place: further on, and on the border of a character.</summary>
    /// <param name="at">0, or what the last call gave.</param>
    /// <param name="ends">What is remembered of this text from call to call, <see cref="StagesMax"/> numbers; zeros at
    /// first.</param>
    public abstract int Next(ReadOnlySpan<byte> text, int at, Span<int> ends);

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
    public override int Next(ReadOnlySpan<byte> text, int at, Span<int> ends)
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
    public override int Next(ReadOnlySpan<byte> text, int at, Span<int> ends)
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
    public override int Next(ReadOnlySpan<byte> text, int at, Span<int> ends)
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

/// <summary>Cuts by one rule after another: each sees every piece that those before it left, as if it were the whole text, and
/// cuts out what it finds.</summary>
/// <param name="rules">Each gives the end of what it finds at a place, or the place itself.</param>
/// <param name="last">Cuts what the rules left; null for a word of each piece.</param>
internal sealed class StagedSplitter(StagedSplitter.Rule[] rules, WordSplitter? last) : WordSplitter
{
    public delegate int Rule(ReadOnlySpan<byte> text, int at);

    public override int Next(ReadOnlySpan<byte> text, int at, Span<int> ends)
    {
        // A piece is looked for once and remembered, or every word of a long text would look through the rest of it.
        var end = text.Length;
        for (var stage = 0; stage < rules.Length; stage++)
        {
            if (ends[stage] <= at) ends[stage] = EndOfPiece(rules[stage], text[..end], at);
            end = ends[stage];
        }

        return last?.Next(text[..end], at, []) ?? end;
    }

    /// <summary>Of what the rule finds here, or else of what lies before its next find.</summary>
    private static int EndOfPiece(Rule rule, ReadOnlySpan<byte> text, int at)
    {
        var end = rule(text, at);
        if (end > at) return end;
        do end += LetterClasses.At(text, end).Bytes;
        while (end < text.Length && rule(text, end) == end);
        return end;
    }
}
