using System.Text;
using System.Text.RegularExpressions;
using FsCheck;
using FsCheck.Fluent;
using Sluice.Testing;

namespace Sluice.Engine.Tests;

/// <summary>The splitters that are written by hand against the regular expressions that they stand for, as the models' own
/// tokenizers and llama.cpp have them.</summary>
public sealed class WordSplitterTests
{
    private const string Gpt2 = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
    private const string Llama3 = @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
    private const string Upper = @"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]";
    private const string Lower = @"[\p{Ll}\p{Lm}\p{Lo}\p{M}]";
    private const string Contraction = @"(?i:'s|'t|'re|'ve|'m|'ll|'d)?";
    private const string Rest = @"| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    /// <summary>By name, regular expressions one after another: each cuts what those before it left.</summary>
    private static readonly Dictionary<string, string[]> s_rules = new()
    {
        ["gpt-2"] = [Gpt2],
        ["llama-bpe"] = [Llama3],
        ["qwen2"] = [Llama3.Replace("{1,3}", "", StringComparison.Ordinal)],
        ["tekken"] = [$@"[^\r\n\p{{L}}\p{{N}}]?{Upper}*{Lower}+|[^\r\n\p{{L}}\p{{N}}]?{Upper}+{Lower}*|\p{{N}}{Rest}"],
        ["gpt-4o"] =
        [
            $@"[^\r\n\p{{L}}\p{{N}}]?{Upper}*{Lower}+{Contraction}|[^\r\n\p{{L}}\p{{N}}]?{Upper}+{Lower}*{Contraction}|\p{{N}}{{1,3}}{Rest}",
        ],
        ["starcoder"] = [@"\p{N}", Gpt2],
        ["deepseek-coder"] = [@"[\r\n]", @"\s?\p{L}+", @"\s?\p{P}+", "[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+", @"\p{N}"],
        ["default"] = [@"[\p{P}\$\+<=>\^~\|]+", Gpt2, @"\p{N}+", "[0-9][0-9][0-9]"],
    };

    public static TheoryData<string> Names => [.. s_rules.Keys];

    [Theory, MemberData(nameof(Names))]
    public void Words_end_where_the_regular_expression_ends_them(string name)
    {
        var splitter = Splitter(name);
        Regex[] rules = [.. s_rules[name].Select(rule => new Regex(rule, RegexOptions.CultureInvariant))];

        Prop.ForAll(Texts, text => Words(splitter, text).SequenceEqual(rules.Aggregate<Regex, IEnumerable<string>>([text], Cut)))
            .Check(Config.QuickThrowOnFailure.WithMaxTest(400).WithReplay(2026, 1));
    }

    /// <summary>The work is that of one look at each character for each rule. Were the rest of the text looked through for every
    /// word, half a megabyte would take a minute for each line, and the test run would say so.</summary>
    [Theory, MemberData(nameof(Names))]
    public void A_long_text_is_cut_in_one_pass(string name)
    {
        foreach (var pattern in (string[])["ab ", "Ab'Ab", "1", "你A", "\n ", " \u0301A", "+-", "a1+ \n"])
        {
            var text = string.Concat(Enumerable.Repeat(pattern, (1 << 19) / pattern.Length));
            Assert.Equal(text.Length, Words(Splitter(name), text).Sum(word => word.Length));
        }
    }

    private static WordSplitter Splitter(string name) =>
        GgufFiles.With(new GgufWriter().Text("tokenizer.ggml.pre", name).ToArray(), WordSplitting.Read).Splitter;

    private static List<string> Words(WordSplitter splitter, string text)
    {
        var utf8 = Encoding.UTF8.GetBytes(text);
        var words = new List<string>();
        Span<int> ends = stackalloc int[WordSplitter.StagesMax];
        ends.Clear();
        for (var at = 0; at < utf8.Length;)
        {
            var end = splitter.Next(utf8, at, ends);
            Assert.True(end > at);
            words.Add(Encoding.UTF8.GetString(utf8[at..end]));
            at = end;
        }

        return words;
    }

    /// <summary>What a rule finds, and what lies between its finds.</summary>
    private static IEnumerable<string> Cut(IEnumerable<string> pieces, Regex rule)
    {
        foreach (var piece in pieces)
        {
            var at = 0;
            foreach (Match match in rule.Matches(piece))
            {
                if (match.Length == 0) continue;
                if (match.Index > at) yield return piece[at..match.Index];
                yield return match.Value;
                at = match.Index + match.Length;
            }

            if (at < piece.Length) yield return piece[at..];
        }
    }

    /// <summary>Of the letters that the rules tell apart; none outside the plane that .NET's regular expressions know.</summary>
    private static Arbitrary<string> Texts => Gen.Elements(
            "a", "bc", "A", "BC", " ", "  ", "\n", "\r", "\t", "'", "s", "LL", "re", "1", "2", "٣", "Ⅷ", "½", "é", "Ω", "ǅ", "ʰ", "你", "한",
            "\u0301", "\u0903", "!", "?", "/", "+", "$", "<", "_", "€", "\u00a0", "\u2028", "\u3000", "\u0085", "\u200b", "\0")
        .ListOf().Select(parts => string.Concat(parts)).ToArbitrary();
}
