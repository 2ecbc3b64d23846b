using System.Globalization;
using System.Text;

namespace Sluice.Engine;

/// <summary>Classes of characters as the rules of splitting name them.</summary>
[Flags]
internal enum Letters : byte
{
    None = 0,

    /// <summary>\p{L}</summary>
    Letter = 1,

    /// <summary>\p{N}</summary>
    Number = 2,

    /// <summary>\s</summary>
    Space = 4,

    /// <summary>\p{P}</summary>
    Punctuation = 8,

    /// <summary>\p{M}</summary>
    Mark = 16,

    /// <summary>\p{Lu} or \p{Lt}</summary>
    Upper = 32,

    /// <summary>\p{Ll}</summary>
    Lower = 64,

    /// <summary>\p{S}</summary>
    Symbol = 128,
}

internal static class LetterClasses
{
    private static readonly Letters[] s_ascii = [.. Enumerable.Range(0, 128).Select(c => Classify(new Rune(c)))];

    /// <summary>Class and length in bytes of the character at a place; (None, 0) at the end.</summary>
    public static (Letters Class, int Bytes) At(ReadOnlySpan<byte> text, int at)
    {
        if (at >= text.Length) return (Letters.None, 0);
        var first = text[at];
        if (first < 128) return (s_ascii[first], 1);
        Rune.DecodeFromUtf8(text[at..], out var rune, out var bytes);
        return (Classify(rune), bytes);
    }

    /// <summary>The place after a run of characters of some class.</summary>
    public static int Skip(ReadOnlySpan<byte> text, int at, Letters classes)
    {
        while (At(text, at) is var (letters, bytes) && (letters & classes) != 0) at += bytes;
        return at;
    }

    /// <summary>As <see cref="Skip"/>, for characters of none of the classes.</summary>
    public static int SkipOthers(ReadOnlySpan<byte> text, int at, Letters classes)
    {
        while (At(text, at) is (var letters, > 0) and var (_, bytes) && (letters & classes) == 0) at += bytes;
        return at;
    }

    private static Letters Classify(Rune rune)
    {
        var space = Rune.IsWhiteSpace(rune) ? Letters.Space : Letters.None;
        return space | Rune.GetUnicodeCategory(rune) switch
        {
            UnicodeCategory.UppercaseLetter or UnicodeCategory.TitlecaseLetter => Letters.Letter | Letters.Upper,
            UnicodeCategory.LowercaseLetter => Letters.Letter | Letters.Lower,
            UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter => Letters.Letter,
            UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber => Letters.Number,
            UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark => Letters.Mark,
            UnicodeCategory.ConnectorPunctuation or UnicodeCategory.DashPunctuation or UnicodeCategory.OpenPunctuation
                or UnicodeCategory.ClosePunctuation or UnicodeCategory.InitialQuotePunctuation
                or UnicodeCategory.FinalQuotePunctuation or UnicodeCategory.OtherPunctuation => Letters.Punctuation,
            UnicodeCategory.MathSymbol or UnicodeCategory.CurrencySymbol or UnicodeCategory.ModifierSymbol
                or UnicodeCategory.OtherSymbol => Letters.Symbol,
            _ => Letters.None,
        };
    }
}
