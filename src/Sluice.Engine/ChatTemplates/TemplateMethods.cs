using System.Text;

namespace Sluice.Engine;

/// <summary>Methods of texts and dictionaries. None changes a value, as in the sandbox that the templates were made
/// for.</summary>
internal static class TemplateMethods
{
    /// <summary>White space as Python strips it.</summary>
    private static readonly char[] s_blanks =
        [.. Enumerable.Range(0, 0x3001).Select(c => (char)c).Where(c => char.IsWhiteSpace(c) || c is >= '\x1c' and <= '\x1f')];

    public static TemplateFunction? Find(object? value, string name) => value switch
    {
        string text => OfText(text, name),
        OrderedDictionary<object, object?> dictionary => OfDictionary(dictionary, name),
        List<object?> list => OfList(list, name),
        _ => null,
    };

    public static string Strip(TemplateRun run, string text, object? characters, bool left, bool right)
    {
        var set = s_blanks;
        if (characters is string given)
        {
            run.Work((long)text.Length * given.Length);
            set = given.ToCharArray();
        }

        if (set.Length == 0) return text;
        if (left) text = text.TrimStart(set);
        return right ? text.TrimEnd(set) : text;
    }

    public static string Replace(TemplateRun run, string text, string old, string by, long count)
    {
        if (count == 0) return text;
        long found = CountOf(run, text, old);
        run.Checked(text.Length + (found * Math.Max(0, by.Length - old.Length)));
        if (old.Length > 0 && (count < 0 || count >= found)) return text.Replace(old, by, StringComparison.Ordinal);

        var result = new StringBuilder();
        var at = 0;
        for (var done = 0L; done != count; done++)
        {
            var next = text.IndexOf(old, at, StringComparison.Ordinal);
            if (next < 0) break;
            result.Append(text, at, next - at).Append(by);
            at = next + old.Length;
            if (old.Length > 0) continue;

            // Nothing is found before every character, and once more at the end.
            if (at == text.Length) break;
            var letter = at + 1 < text.Length && char.IsSurrogatePair(text[at], text[at + 1]) ? 2 : 1;
            result.Append(text, at, letter);
            at += letter;
        }

        return result.Append(text, at, text.Length - at).ToString();
    }

    public static string Title(string text)
    {
        var title = new StringBuilder(text.Length);
        var within = false;
        foreach (var c in text)
        {
            title.Append(within ? char.ToLowerInvariant(c) : char.ToUpperInvariant(c));
            within = char.IsLetter(c);
        }

        return title.ToString();
    }

    public static string Capitalize(string text) =>
        text.Length == 0 ? "" : char.ToUpperInvariant(text[0]) + text[1..].ToLowerInvariant();

    public static string Join(TemplateRun run, string separator, List<object?> items)
    {
        run.Pass(items);
        List<string> texts = items.ConvertAll(item => TemplateValues.Text(run, item));
        run.Checked(texts.Sum(text => (long)text.Length) + ((long)separator.Length * texts.Count));
        return string.Join(separator, texts);
    }

    private static TemplateFunction? OfText(string text, string name) => name switch
    {
        "strip" => (run, a) => Strip(run, text, a.Get(0, "chars", null), left: true, right: true),
        "lstrip" => (run, a) => Strip(run, text, a.Get(0, "chars", null), left: true, right: false),
        "rstrip" => (run, a) => Strip(run, text, a.Get(0, "chars", null), left: false, right: true),
        "upper" => (_, _) => text.ToUpperInvariant(),
        "lower" => (_, _) => text.ToLowerInvariant(),
        "title" => (_, _) => Title(text),
        "capitalize" => (_, _) => Capitalize(text),
        "startswith" => (run, a) => AnyOf(run, a, part => text.StartsWith(part, StringComparison.Ordinal)),
        "endswith" => (run, a) => AnyOf(run, a, part => text.EndsWith(part, StringComparison.Ordinal)),
        "removeprefix" => (run, a) => a.Text(run, 0, "prefix") is var prefix && text.StartsWith(prefix, StringComparison.Ordinal)
            ? text[prefix.Length..] : text,
        "removesuffix" => (run, a) => a.Text(run, 0, "suffix") is { Length: > 0 } suffix && text.EndsWith(suffix, StringComparison.Ordinal)
            ? text[..^suffix.Length] : text,
        "replace" => (run, a) => Replace(run, text, a.Text(run, 0, "old"), a.Text(run, 1, "new"), a.Whole(run, 2, "count", -1)),
        "split" => (run, a) => Split(run, text, a, fromRight: false),
        "rsplit" => (run, a) => Split(run, text, a, fromRight: true),
        "splitlines" => (run, a) => Lines(run, text, TemplateValues.IsTrue(a.Get(0, "keepends", false))),
        "join" => (run, a) => Join(run, text, TemplateMembers.Elements(run, a.Get(0, "iterable", null))),
        "find" => (run, a) => Find(run, text, a, last: false),
        "rfind" => (run, a) => Find(run, text, a, last: true),
        "count" => (run, a) => (long)CountOf(run, text, a.Text(run, 0, "sub")),
        "isdigit" => (_, _) => text.Length > 0 && text.All(char.IsDigit),
        "isnumeric" => (_, _) => text.Length > 0 && text.All(char.IsNumber),
        "isalpha" => (_, _) => text.Length > 0 && text.All(char.IsLetter),
        "isalnum" => (_, _) => text.Length > 0 && text.All(char.IsLetterOrDigit),
        "isspace" => (_, _) => text.Length > 0 && text.All(char.IsWhiteSpace),
        "isupper" => (_, _) => text.Any(char.IsUpper) && !text.Any(char.IsLower),
        "islower" => (_, _) => text.Any(char.IsLower) && !text.Any(char.IsUpper),
        "format" => (run, a) => TemplateFilters.FormatBraces(run, text, a),
        _ => null,
    };

    private static TemplateFunction? OfDictionary(OrderedDictionary<object, object?> dictionary, string name) => name switch
    {
        "items" => (run, _) => Pairs(run, dictionary),
        "keys" => (_, _) => (List<object?>)[.. dictionary.Keys],
        "values" => (_, _) => (List<object?>)[.. dictionary.Values],
        "get" => (run, a) => Entry(run, dictionary, a.Get(0, "key", null), a.Get(1, "default", null)),
        "copy" => (_, _) => new OrderedDictionary<object, object?>(dictionary),
        _ => null,
    };

    public static List<object?> Pairs(TemplateRun run, OrderedDictionary<object, object?> dictionary)
    {
        run.CheckedList(dictionary.Count);
        return [.. dictionary.Select(pair => (object?)new List<object?> { pair.Key, pair.Value })];
    }

    private static TemplateFunction? OfList(List<object?> list, string name) => name switch
    {
        "index" => (run, a) => list.FindIndex(item => TemplateValues.AreEqual(run, item, a.Get(0, "value", null))) is >= 0 and var at
            ? (long)at : throw run.Wrong("the value is not in the list."),
        "count" => (run, a) => (long)list.Count(item => TemplateValues.AreEqual(run, item, a.Get(0, "value", null))),
        "copy" => (_, _) => new List<object?>(list),
        _ => null,
    };

    private static bool AnyOf(TemplateRun run, TemplateArguments arguments, Func<string, bool> holds) =>
        arguments.Get(0, "prefix", null) is List<object?> several
            ? several.OfType<string>().Any(holds)
            : holds(arguments.Text(run, 0, "prefix"));

    private static List<object?> Split(TemplateRun run, string text, TemplateArguments arguments, bool fromRight)
    {
        var most = arguments.Whole(run, 1, "maxsplit", -1);
        if (arguments.Get(0, "sep", null) is not string separator) return SplitBlanks(run, text, most, fromRight);
        if (separator.Length == 0) throw run.Wrong("split by an empty text.");

        run.Search(text, separator);
        var parts = new List<object?>();
        for (var (start, end) = (0, text.Length); ;)
        {
            run.Step();
            var at = most == parts.Count ? -1 : Find(text.AsSpan(start, end - start), separator, fromRight);
            if (at < 0)
            {
                parts.Add(text[start..end]);
                if (fromRight) parts.Reverse();
                return parts;
            }

            var (left, right) = (start + at, start + at + separator.Length);
            parts.Add(fromRight ? text[right..end] : text[start..left]);
            if (fromRight) end = left;
            else start = right;
        }
    }

    /// <summary>Words between runs of white space; after as many as are wanted the rest keeps its white space but for that
    /// before the next word.</summary>
    private static List<object?> SplitBlanks(TemplateRun run, string text, long most, bool fromRight)
    {
        var parts = new List<object?>();
        var (start, end) = (0, text.Length);
        while (true)
        {
            run.Step();
            var rest = text.AsSpan(start, end - start);
            rest = fromRight ? rest.TrimEnd(s_blanks) : rest.TrimStart(s_blanks);
            (start, end) = fromRight ? (start, start + rest.Length) : (end - rest.Length, end);
            if (rest.IsEmpty) break;
            if (parts.Count == most)
            {
                parts.Add(rest.ToString());
                break;
            }

            var at = fromRight ? rest.LastIndexOfAny(s_blanks) : rest.IndexOfAny(s_blanks);
            parts.Add((at < 0 ? rest : fromRight ? rest[(at + 1)..] : rest[..at]).ToString());
            if (at < 0) break;
            if (fromRight) end = start + at;
            else start += at;
        }

        if (fromRight) parts.Reverse();
        return parts;
    }

    private static object? Entry(TemplateRun run, OrderedDictionary<object, object?> dictionary, object? key, object? otherwise)
    {
        run.Pass(key);
        return key is not null && dictionary.TryGetValue(key, out var value) ? value : otherwise;
    }

    private static int Find(ReadOnlySpan<char> text, string part, bool last) =>
        last ? text.LastIndexOf(part, StringComparison.Ordinal) : text.IndexOf(part, StringComparison.Ordinal);

    private static long Find(TemplateRun run, string text, TemplateArguments arguments, bool last)
    {
        var part = arguments.Text(run, 0, "sub");
        run.Search(text, part);
        return Find(text, part, last);
    }

    private static List<object?> Lines(TemplateRun run, string text, bool keepEnds)
    {
        var lines = new List<object?>();
        for (var at = 0; at < text.Length;)
        {
            run.Step();
            var end = text.AsSpan(at).IndexOfAny('\n', '\r') is >= 0 and var offset ? at + offset : text.Length;
            var next = Math.Min(text.Length, end + (end + 1 < text.Length && text[end] == '\r' && text[end + 1] == '\n' ? 2 : 1));
            lines.Add(text[at..(keepEnds ? next : end)]);
            at = next;
        }

        return lines;
    }

    private static int CountOf(TemplateRun run, string text, string part)
    {
        run.Search(text, part);
        return part.Length == 0 ? text.Length + 1 : text.AsSpan().Count(part);
    }
}
