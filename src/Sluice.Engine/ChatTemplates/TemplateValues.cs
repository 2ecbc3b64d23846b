using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Sluice.Engine;

/// <summary>A name or member that is not there. It prints as nothing and is false; asking it for a member is an
/// error.</summary>
internal sealed record Undefined(string Name);

/// <summary>What templates may assign to within a loop and see after it: <c>namespace()</c>.</summary>
internal sealed class TemplateNamespace
{
    public Dictionary<string, object?> Values { get; } = new(StringComparer.Ordinal);
}

/// <summary>A function or method of a template.</summary>
internal delegate object? TemplateFunction(TemplateRun run, TemplateArguments arguments);

/// <summary>How JSON is written.</summary>
/// <param name="Between">Between elements.</param>
/// <param name="AfterKey">Between a key and its value.</param>
/// <param name="Indent">Blanks per level, or -1 for one line.</param>
/// <param name="IsSorted">By key.</param>
/// <param name="IsAscii">All other letters are escaped.</param>
internal readonly record struct JsonStyle(string Between, string AfterKey, int Indent, bool IsSorted, bool IsAscii);

/// <summary>Values of templates: null, <see cref="Undefined"/>, bool, long, double, string, <see cref="List{T}"/> of values (tuples
/// too), ordered dictionaries, <see cref="TemplateNamespace"/>, <see cref="TemplateFunction"/>. As in Python, where the templates
/// come from.</summary>
internal static class TemplateValues
{
    public static bool IsTrue(object? value) => value switch
    {
        null or Undefined => false,
        bool b => b,
        long n => n != 0,
        double d => d != 0,
        string s => s.Length > 0,
        List<object?> list => list.Count > 0,
        OrderedDictionary<object, object?> dictionary => dictionary.Count > 0,
        _ => true,
    };

    public static string TypeName(object? value) => value switch
    {
        null => "none",
        Undefined => "undefined",
        bool => "a bool",
        long => "an integer",
        double => "a number",
        string => "a text",
        List<object?> => "a list",
        OrderedDictionary<object, object?> => "a dictionary",
        TemplateNamespace => "a namespace",
        _ => "a function",
    };

    public static bool AreEqual(TemplateRun run, object? a, object? b)
    {
        run.Step();
        if (Number(a) is { } x && Number(b) is { } y) return a is long i && b is long j ? i == j : x == y;
        return (a, b) switch
        {
            (null, null) or (Undefined, Undefined) => true,
            (string s, string t) => AreEqualTexts(run, s, t),
            (List<object?> s, List<object?> t) => s.Count == t.Count && s.Zip(t).All(pair => AreEqual(run, pair.First, pair.Second)),
            (OrderedDictionary<object, object?> s, OrderedDictionary<object, object?> t) => s.Count == t.Count
                && s.All(pair => t.TryGetValue(pair.Key, out var other) && AreEqual(run, pair.Value, other)),
            _ => ReferenceEquals(a, b),
        };
    }

    private static bool AreEqualTexts(TemplateRun run, string a, string b)
    {
        if (a.Length == b.Length) run.Pass(a);
        return string.Equals(a, b, StringComparison.Ordinal);
    }

    /// <summary>Null where the two have no order.</summary>
    public static int? Compare(TemplateRun run, object? a, object? b)
    {
        run.Step();
        if (a is long i && b is long j) return i.CompareTo(j);
        if (Number(a) is { } x && Number(b) is { } y) return x.CompareTo(y);
        if (a is string s && b is string t)
        {
            run.Pass(s.Length < t.Length ? s : t);
            return string.CompareOrdinal(s, t);
        }

        if (a is not List<object?> p || b is not List<object?> q) return null;
        for (var k = 0; k < Math.Min(p.Count, q.Count); k++)
            if (!AreEqual(run, p[k], q[k])) return Compare(run, p[k], q[k]);
        return p.Count.CompareTo(q.Count);
    }

    /// <summary>A bool counts as 0 or 1; null for what is no number.</summary>
    public static double? Number(object? value) => value switch
    {
        bool b => b ? 1 : 0,
        long n => n,
        double d => d,
        _ => null,
    };

    /// <summary>As printed into the prompt.</summary>
    public static string Text(TemplateRun run, object? value)
    {
        if (value is string s) return s;
        if (value is Undefined) return "";
        var text = new StringBuilder();
        WriteRepresentation(run, value, text);
        run.Checked(text.Length);
        return text.ToString();
    }

    /// <summary>The shortest digits that give the number back, with a point or an exponent.</summary>
    public static string NumberText(double number)
    {
        if (double.IsNaN(number)) return "nan";
        if (double.IsInfinity(number)) return number > 0 ? "inf" : "-inf";
        var magnitude = Math.Abs(number);
        if (magnitude is not 0 and (>= 1e16 or < 1e-4))
        {
            var scientific = number.ToString("E16", CultureInfo.InvariantCulture);
            var exponent = int.Parse(
                scientific.AsSpan(scientific.IndexOf('E') + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
            var digits = number.ToString("R", CultureInfo.InvariantCulture);
            if (digits.IndexOf('E') is > 0 and var at) digits = digits[..at];
            else digits = (number / Math.Pow(10, exponent)).ToString("R", CultureInfo.InvariantCulture);
            return $"{digits}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}";
        }

        var plain = number.ToString("R", CultureInfo.InvariantCulture);
        return plain.Contains('.') ? plain : plain + ".0";
    }

    /// <summary>JSON as templates write it: a blank after comma and colon, letters as they are.</summary>
    /// <param name="style">Layout and letters.</param>
    /// <param name="level">How deep in the value this is.</param>
    public static void WriteJson(TemplateRun run, object? value, StringBuilder to, JsonStyle style, int level = 0)
    {
        run.Step();
        if (to.Length > TemplateRun.TextMax) throw run.Wrong($"JSON of more than {TemplateRun.TextMax} characters.");
        switch (value)
        {
            case null or Undefined: to.Append("null"); break;
            case bool b: to.Append(b ? "true" : "false"); break;
            case long n: to.Append(n); break;
            case double.NaN: to.Append("NaN"); break;
            case double d when double.IsInfinity(d): to.Append(d > 0 ? "Infinity" : "-Infinity"); break;
            case double d: to.Append(NumberText(d)); break;
            case string s: WriteJsonText(s, to, style.IsAscii); break;
            case List<object?> list:
                WriteJsonGroup('[', ']', list, (item, _) => WriteJson(run, item, to, style, level + 1));
                break;
            case OrderedDictionary<object, object?> dictionary:
                var pairs = style.IsSorted
                    ? dictionary.OrderBy(pair => Text(run, pair.Key), StringComparer.Ordinal)
                    : dictionary.AsEnumerable();
                WriteJsonGroup('{', '}', pairs.ToList(), (pair, _) =>
                {
                    WriteJsonText(KeyText(run, pair.Key), to, style.IsAscii);
                    to.Append(style.AfterKey);
                    WriteJson(run, pair.Value, to, style, level + 1);
                });
                break;
            default: to.Append("null"); break;
        }

        void WriteJsonGroup<T>(char open, char close, List<T> items, Action<T, int> write)
        {
            to.Append(open);
            for (var i = 0; i < items.Count; i++)
            {
                if (i > 0) to.Append(style.Between);
                if (style.Indent >= 0) to.Append('\n').Append(' ', style.Indent * (level + 1));
                write(items[i], i);
            }

            if (style.Indent >= 0 && items.Count > 0) to.Append('\n').Append(' ', style.Indent * level);
            to.Append(close);
        }
    }

    /// <summary>A value that came as JSON.</summary>
    public static object? FromJson(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.Null or JsonValueKind.Undefined => null,
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        JsonValueKind.Number => json.TryGetInt64(out var whole) ? (object)whole : json.GetDouble(),
        JsonValueKind.String => json.GetString()!,
        JsonValueKind.Array => json.EnumerateArray().Select(FromJson).ToList(),
        _ => Dictionary(json.EnumerateObject().Select(p => (p.Name, FromJson(p.Value)))),
    };

    /// <summary>Of equal keys the last one counts.</summary>
    public static OrderedDictionary<object, object?> Dictionary(IEnumerable<(string Key, object? Value)> pairs)
    {
        var dictionary = new OrderedDictionary<object, object?>();
        foreach (var (key, value) in pairs) dictionary[key] = value;
        return dictionary;
    }

    private static void WriteRepresentation(TemplateRun run, object? value, StringBuilder to)
    {
        run.Step();
        if (to.Length > TemplateRun.TextMax) throw run.Wrong($"a text of more than {TemplateRun.TextMax} characters.");
        switch (value)
        {
            case null: to.Append("None"); break;
            case Undefined: to.Append("Undefined"); break;
            case bool b: to.Append(b ? "True" : "False"); break;
            case long n: to.Append(n); break;
            case double d: to.Append(NumberText(d)); break;
            case string s: WriteQuoted(s, to); break;
            case List<object?> list:
                to.Append('[');
                for (var i = 0; i < list.Count; i++)
                {
                    if (i > 0) to.Append(", ");
                    WriteRepresentation(run, list[i], to);
                }

                to.Append(']');
                break;
            case OrderedDictionary<object, object?> dictionary:
                to.Append('{');
                var first = true;
                foreach (var (key, item) in dictionary)
                {
                    if (!first) to.Append(", ");
                    first = false;
                    WriteRepresentation(run, key, to);
                    to.Append(": ");
                    WriteRepresentation(run, item, to);
                }

                to.Append('}');
                break;
            default: to.Append('<').Append(TypeName(value)).Append('>'); break;
        }
    }

    private static void WriteQuoted(string text, StringBuilder to)
    {
        var quote = text.Contains('\'') && !text.Contains('"') ? '"' : '\'';
        to.Append(quote);
        foreach (var c in text)
        {
            if (c == quote || c == '\\') to.Append('\\').Append(c);
            else if (c == '\n') to.Append("\\n");
            else if (c == '\r') to.Append("\\r");
            else if (c == '\t') to.Append("\\t");
            else if (c < ' ' || c == '\x7f') to.Append(CultureInfo.InvariantCulture, $"\\x{(int)c:x2}");
            else to.Append(c);
        }

        to.Append(quote);
    }

    private static string KeyText(TemplateRun run, object key) => key switch
    {
        bool b => b ? "true" : "false",
        _ => Text(run, key),
    };

    private static void WriteJsonText(string text, StringBuilder to, bool isAscii)
    {
        to.Append('"');
        foreach (var c in text)
        {
            switch (c)
            {
                case '"': to.Append("\\\""); break;
                case '\\': to.Append("\\\\"); break;
                case '\n': to.Append("\\n"); break;
                case '\r': to.Append("\\r"); break;
                case '\t': to.Append("\\t"); break;
                case '\b': to.Append("\\b"); break;
                case '\f': to.Append("\\f"); break;
                case < ' ' or > '~' when isAscii || c < ' ': to.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"); break;
                default: to.Append(c); break;
            }
        }

        to.Append('"');
    }
}
