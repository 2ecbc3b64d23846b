using System.Globalization;
using System.Text;
using Sluice.Core;

namespace Sluice.Engine;

/// <summary>What stands after a bar.</summary>
internal static class TemplateFilters
{
    private delegate object? Filter(TemplateRun run, object? value, TemplateArguments arguments);

    private static readonly object s_missing = new();

    private static readonly Dictionary<string, Filter> s_filters = new(StringComparer.Ordinal)
    {
        ["abs"] = (run, v, _) => v switch
        {
            long n => n == long.MinValue ? throw run.Wrong("abs exceeds 64 bits.") : (object)Math.Abs(n),
            double d => Math.Abs(d),
            _ => throw Expected(run, "abs", v, "a number"),
        },
        ["capitalize"] = (run, v, _) => TemplateMethods.Capitalize(Text(run, v)),
        ["default"] = (_, v, a) => v is Undefined || (TemplateValues.IsTrue(a.Get(1, "boolean", false)) && !TemplateValues.IsTrue(v))
            ? a.Get(0, "default_value", "")
            : v,
        ["dictsort"] = (run, v, _) => v is OrderedDictionary<object, object?> d
            ? Sorted(run, TemplateMethods.Pairs(run, d), pair => ((List<object?>)pair!)[0], descending: false, ignoreCase: true)
            : throw Expected(run, "dictsort", v, "a dictionary"),
        ["escape"] = (run, v, _) => Escape(run, Text(run, v)),
        ["first"] = (run, v, _) => TemplateMembers.Elements(run, v) is [var first, ..] ? first : new Undefined("first"),
        ["float"] = (run, v, a) => v switch
        {
            string s when double.TryParse(s, NumberStyles.Float, CultureInfo.InvariantCulture, out var d) => d,
            long or double or bool => TemplateValues.Number(v),
            _ => a.Get(0, "default", 0.0),
        },
        ["format"] = (run, v, a) => Format(run, Text(run, v), a.Positional),
        ["indent"] = Indent,
        ["int"] = (run, v, a) => v switch
        {
            long n => n,
            bool b => b ? 1L : 0L,
            double d when Math.Abs(d) < 9e18 => (long)d,
            string s when long.TryParse(s.Trim(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var n) => n,
            string s when double.TryParse(s, NumberStyles.Float, CultureInfo.InvariantCulture, out var d) && Math.Abs(d) < 9e18 => (long)d,
            _ => a.Get(0, "default", 0L),
        },
        ["items"] = (run, v, _) => v switch
        {
            OrderedDictionary<object, object?> d => TemplateMethods.Pairs(run, d),
            Undefined => new List<object?>(),
            _ => throw Expected(run, "items", v, "a dictionary"),
        },
        ["join"] = (run, v, a) => TemplateMethods.Join(
            run, TemplateValues.Text(run, a.Get(0, "d", "")), Mapped(run, TemplateMembers.Elements(run, v), a.Get(1, "attribute", null))),
        ["last"] = (run, v, _) => TemplateMembers.Elements(run, v) is [.., var last] ? last : new Undefined("last"),
        ["length"] = (run, v, _) => TemplateMembers.Length(run, v),
        ["list"] = (run, v, _) => new List<object?>(TemplateMembers.Elements(run, v)),
        ["lower"] = (run, v, _) => Text(run, v).ToLowerInvariant(),
        ["map"] = (run, v, a) => Map(run, ElementsIfAny(run, v), a),
        ["max"] = (run, v, a) => Extreme(run, v, a, 1),
        ["min"] = (run, v, a) => Extreme(run, v, a, -1),
        ["reject"] = (run, v, a) => Chosen(run, v, a, byAttribute: false, keep: false),
        ["rejectattr"] = (run, v, a) => Chosen(run, v, a, byAttribute: true, keep: false),
        ["replace"] = (run, v, a) => TemplateMethods.Replace(
            run, Text(run, v), a.Text(run, 0, "old"), a.Text(run, 1, "new"), a.Whole(run, 2, "count", -1)),
        ["reverse"] = (run, v, _) => v is string s
            ? string.Concat(Enumerable.Reverse(TemplateMembers.CodePoints(run, s)))
            : Enumerable.Reverse(TemplateMembers.Elements(run, v)).ToList(),
        ["round"] = (run, v, a) => Round(run, v, a),
        ["safe"] = (_, v, _) => v,
        ["select"] = (run, v, a) => Chosen(run, v, a, byAttribute: false, keep: true),
        ["selectattr"] = (run, v, a) => Chosen(run, v, a, byAttribute: true, keep: true),
        ["sort"] = (run, v, a) => Sorted(run, TemplateMembers.Elements(run, v), KeyOf(run, a.Get(2, "attribute", null)),
            TemplateValues.IsTrue(a.Get(0, "reverse", false)), !TemplateValues.IsTrue(a.Get(1, "case_sensitive", false))),
        ["string"] = (run, v, _) => TemplateValues.Text(run, v),
        ["sum"] = (run, v, a) => Mapped(run, TemplateMembers.Elements(run, v), a.Get(0, "attribute", null))
            .Aggregate(a.Get(1, "start", 0L), (sum, item) => TemplateOperators.Compute(run, "+", sum, item)),
        ["title"] = (run, v, _) => Title(Text(run, v)),
        ["tojson"] = ToJson,
        ["trim"] = (run, v, a) => TemplateMethods.Strip(run, Text(run, v), a.Get(0, "chars", null), left: true, right: true),
        ["unique"] = (run, v, a) => Unique(run, TemplateMembers.Elements(run, v), a),
        ["upper"] = (run, v, _) => Text(run, v).ToUpperInvariant(),
        ["wordcount"] = (run, v, _) => (long)Text(run, v).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Length,
    };

    static TemplateFilters()
    {
        s_filters["d"] = s_filters["default"];
        s_filters["count"] = s_filters["length"];
        s_filters["e"] = s_filters["escape"];
    }

    public static object? Apply(TemplateRun run, string name, object? value, TemplateArguments arguments)
    {
        run.Pass(value);
        return s_filters.TryGetValue(name, out var filter)
            ? filter(run, value, arguments)
            : throw run.Wrong($"the filter '{name}' is not supported{Nearest.Hint(name, [.. s_filters.Keys])}.");
    }

    public static bool Knows(string name) => s_filters.ContainsKey(name);

    public static void RequireKnown(TemplateToken name)
    {
        if (!Knows(name.Text))
            throw TemplateLexer.Wrong(
                name.Line, $"the filter '{name.Text}' is not supported{Nearest.Hint(name.Text, [.. s_filters.Keys])}.");
    }

    /// <summary>Formats with per cent signs: <c>%s</c>, <c>%d</c>, <c>%f</c> with digits after the point.</summary>
    public static string Format(TemplateRun run, string format, List<object?> values)
    {
        var text = new StringBuilder();
        var next = 0;
        for (var i = 0; i < format.Length; i++)
        {
            if (format[i] != '%')
            {
                text.Append(format[i]);
                continue;
            }

            var end = i + 1;
            while (end < format.Length && (char.IsAsciiDigit(format[end]) || format[end] == '.')) end++;
            if (end >= format.Length) throw run.Wrong($"'{format}' ends within a place for a value.");
            if (format[end] == '%') text.Append('%');
            else if (next >= values.Count) throw run.Wrong($"'{format}' has more places than the {values.Count} values.");
            else Append(run, text, FormatOne(run, format[(i + 1)..end], format[end], values[next++]));
            i = end;
        }

        return text.ToString();
    }

    /// <summary>Formats with braces: <c>{}</c>, <c>{0}</c>, <c>{name}</c>, nothing else within them.</summary>
    public static string FormatBraces(TemplateRun run, string format, TemplateArguments arguments)
    {
        var text = new StringBuilder();
        var next = 0;
        for (var i = 0; i < format.Length; i++)
        {
            var c = format[i];
            if (c is '{' or '}' && i + 1 < format.Length && format[i + 1] == c)
            {
                text.Append(c);
                i++;
            }
            else if (c is '{' or '}')
            {
                var end = c == '{' ? format.IndexOf('}', i) : -1;
                if (end < 0) throw run.Wrong($"a text to be formatted has a single '{c}'; expected it twice.");
                var name = format[(i + 1)..end];
                var index = name.Length == 0 ? next++
                    : int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var n) ? n : int.MaxValue;
                if (arguments.Get(index, name, s_missing) is var value && ReferenceEquals(value, s_missing))
                    throw run.Wrong($"nothing is given for the place '{{{name}}}' of a text to be formatted.");
                Append(run, text, TemplateValues.Text(run, value));
                i = end;
            }
            else
            {
                text.Append(c);
            }
        }

        return text.ToString();
    }

    private static void Append(TemplateRun run, StringBuilder text, string part)
    {
        run.Checked(part.Length);
        text.Append(part);
        if (text.Length > TemplateRun.TextMax) throw run.Wrong($"a text of more than {TemplateRun.TextMax} characters.");
    }

    private static string FormatOne(TemplateRun run, string width, char kind, object? value)
    {
        var digits = width.Contains('.') ? width[(width.IndexOf('.') + 1)..] : "6";
        switch (kind)
        {
            case 's': return TemplateValues.Text(run, value);
            case 'd' when TemplateValues.Number(value) is { } number: return ((long)number).ToString(CultureInfo.InvariantCulture);
            case 'f' when TemplateValues.Number(value) is { } number && digits.Length <= 2:
                return number.ToString("F" + digits, CultureInfo.InvariantCulture);
            default: throw run.Wrong($"'%{width}{kind}' of {TemplateValues.TypeName(value)} is not supported; expected %s, %d or %f.");
        }
    }

    private static InputException Expected(TemplateRun run, string filter, object? value, string right) =>
        run.Wrong($"{filter} of {TemplateValues.TypeName(value)}; expected {right}.");

    private static string Text(TemplateRun run, object? value)
    {
        var text = TemplateValues.Text(run, value);
        run.Checked(text.Length);
        return text;
    }

    /// <summary>As the filter has it, which leaves apostrophes within words; the method does not.</summary>
    private static string Title(string text)
    {
        var title = new StringBuilder(text.Length);
        var within = false;
        foreach (var c in text)
        {
            title.Append(within ? char.ToLowerInvariant(c) : char.ToUpperInvariant(c));
            within = !char.IsWhiteSpace(c) && c is not ('-' or '(' or '{' or '[' or '<');
        }

        return title.ToString();
    }

    private static string Escape(TemplateRun run, string text)
    {
        run.Checked(5L * text.Length);
        return text.Replace("&", "&amp;").Replace("<", "&lt;").Replace(">", "&gt;").Replace("\"", "&#34;").Replace("'", "&#39;");
    }

    private static string ToJson(TemplateRun run, object? value, TemplateArguments arguments)
    {
        // As Hugging Face has it: tojson(ensure_ascii, indent, separators, sort_keys); Jinja's own has the indent first.
        var first = arguments.Get(0, "ensure_ascii", false);
        var indent = (first is long ? first : arguments.Get(1, "indent", null)) is long given ? (int)Math.Clamp(given, 0, 16) : -1;
        var (between, afterKey) = arguments.Get(2, "separators", null) switch
        {
            null => (indent < 0 ? ", " : ",", ": "),
            List<object?> and [string a, string b] => (a, b),
            var other => throw run.Wrong($"separators of tojson are {TemplateValues.TypeName(other)}; expected two texts."),
        };
        var style = new JsonStyle(
            between, afterKey, indent, TemplateValues.IsTrue(arguments.Get(3, "sort_keys", false)), IsAscii: first is true);
        var json = new StringBuilder();
        TemplateValues.WriteJson(run, value, json, style);
        run.Checked(json.Length);
        return json.ToString();
    }

    private static string Indent(TemplateRun run, object? value, TemplateArguments arguments)
    {
        var text = Text(run, value);
        var width = arguments.Get(0, "width", 4L);
        var by = width as string ?? new string(' ', (int)Math.Clamp(width is long n ? n : 4, 0, 1000));
        var lines = text.Split('\n');
        run.Checked(text.Length + ((long)lines.Length * by.Length));
        var first = TemplateValues.IsTrue(arguments.Get(1, "first", false));
        var blank = TemplateValues.IsTrue(arguments.Get(2, "blank", false));
        return string.Join('\n', lines.Select((line, i) => (i > 0 || first) && (line.Length > 0 || blank) ? by + line : line));
    }

    private static object Round(TemplateRun run, object? value, TemplateArguments arguments)
    {
        if (value is long whole && arguments.Get(1, "method", "common") is "common" && arguments.Whole(run, 0, "precision", 0) >= 0)
            return whole;
        if (TemplateValues.Number(value) is not { } number) throw Expected(run, "round", value, "a number");
        var scale = Math.Pow(10, Math.Clamp(arguments.Whole(run, 0, "precision", 0), -15, 15));
        return arguments.Get(1, "method", "common") switch
        {
            "ceil" => Math.Ceiling(number * scale) / scale,
            "floor" => Math.Floor(number * scale) / scale,
            _ => Math.Round(number * scale, MidpointRounding.ToEven) / scale,
        };
    }

    private static List<object?> Mapped(TemplateRun run, List<object?> items, object? attribute) =>
        attribute is null ? items : items.ConvertAll(item => KeyOf(run, attribute)(item));

    /// <summary>A member by its path: <c>function.name</c>, or an index.</summary>
    private static Func<object?, object?> KeyOf(TemplateRun run, object? attribute)
    {
        if (attribute is not string path) return attribute is null ? item => item : item => TemplateMembers.Item(run, item, attribute);
        var names = path.Split('.');
        return item =>
        {
            foreach (var name in names)
            {
                run.Step();
                if (item is Undefined) return item;
                item = TemplateMembers.Item(
                    run, item, long.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var index) ? index : name);
            }

            return item;
        };
    }

    private static List<object?> Map(TemplateRun run, List<object?> items, TemplateArguments arguments)
    {
        if (arguments.Get(int.MaxValue, "attribute", null) is { } attribute)
        {
            var otherwise = arguments.Get(int.MaxValue, "default", null);
            return Mapped(run, items, attribute).ConvertAll(item => item is Undefined && otherwise is not null ? otherwise : item);
        }

        var name = arguments.Text(run, 0, "filter");
        var rest = new TemplateArguments(arguments.Positional[1..], arguments.Named);
        return items.ConvertAll(item => Apply(run, name, item, rest));
    }

    /// <summary>Nothing of what is false: templates ask so for tool calls that are none.</summary>
    private static List<object?> ElementsIfAny(TemplateRun run, object? value) =>
        TemplateValues.IsTrue(value) ? TemplateMembers.Elements(run, value) : [];

    private static List<object?> Chosen(TemplateRun run, object? value, TemplateArguments arguments, bool byAttribute, bool keep)
    {
        var skip = byAttribute ? 1 : 0;
        var key = byAttribute ? KeyOf(run, arguments.Get(0, "attribute", null)) : item => item;
        var test = arguments.Positional.Count > skip ? arguments.Text(run, skip, "test") : null;
        var rest = new TemplateArguments(arguments.Positional.Count > skip + 1 ? arguments.Positional[(skip + 1)..] : [], arguments.Named);
        return ElementsIfAny(run, value).FindAll(item =>
        {
            run.Step();
            return keep == (test is null ? TemplateValues.IsTrue(key(item)) : TemplateTests.Holds(run, test, key(item), rest));
        });
    }

    private static List<object?> Sorted(
        TemplateRun run, List<object?> items, Func<object?, object?> key, bool descending, bool ignoreCase)
    {
        run.CheckedList(16L * items.Count);
        var comparer = Comparer<object?>.Create((a, b) => TemplateValues.Compare(run, a, b)
            ?? throw run.Wrong($"{TemplateValues.TypeName(a)} and {TemplateValues.TypeName(b)} have no order."));
        object? Key(object? item) => Folded(key(item), ignoreCase);
        try
        {
            return [.. descending ? items.OrderByDescending(Key, comparer) : items.OrderBy(Key, comparer)];
        }
        catch (InvalidOperationException e) when (e.InnerException is InputException wrong)
        {
            throw wrong;
        }
    }

    private static List<object?> Unique(TemplateRun run, List<object?> items, TemplateArguments arguments)
    {
        var key = KeyOf(run, arguments.Get(1, "attribute", null));
        var seen = new List<object?>();
        return items.FindAll(item =>
        {
            var k = Folded(key(item), !TemplateValues.IsTrue(arguments.Get(0, "case_sensitive", false)));
            if (seen.Exists(other => TemplateValues.AreEqual(run, other, k))) return false;
            seen.Add(k);
            return true;
        });
    }

    private static object? Folded(object? key, bool ignoreCase) => ignoreCase && key is string s ? s.ToLowerInvariant() : key;

    private static object? Extreme(TemplateRun run, object? value, TemplateArguments arguments, int sign)
    {
        var key = KeyOf(run, arguments.Get(1, "attribute", null));
        var items = TemplateMembers.Elements(run, value);
        if (items.Count == 0) return new Undefined("");
        object? Key(object? item) => Folded(key(item), !TemplateValues.IsTrue(arguments.Get(0, "case_sensitive", false)));
        return items.Aggregate((best, item) => TemplateValues.Compare(run, Key(item), Key(best)) is { } order
            ? order * sign > 0 ? item : best
            : throw run.Wrong("values have no order."));
    }
}
