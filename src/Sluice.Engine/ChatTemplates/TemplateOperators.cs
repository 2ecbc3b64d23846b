using System.Text;

namespace Sluice.Engine;

/// <summary>Operators on values, as Python has them: division and remainder round down, a text times a number is
/// repeated.</summary>
internal static class TemplateOperators
{
    public static bool Compare(TemplateRun run, string symbol, object? left, object? right)
    {
        switch (symbol)
        {
            case "==": return TemplateValues.AreEqual(run, left, right);
            case "!=": return !TemplateValues.AreEqual(run, left, right);
            case "in": return Contains(run, right, left);
            case "not in": return !Contains(run, right, left);
        }

        var order = TemplateValues.Compare(run, left, right)
            ?? throw run.Wrong($"{TemplateValues.TypeName(left)} {symbol} {TemplateValues.TypeName(right)}: they have no order.");
        return symbol switch
        {
            "<" => order < 0,
            ">" => order > 0,
            "<=" => order <= 0,
            _ => order >= 0,
        };
    }

    public static bool Contains(TemplateRun run, object? container, object? item)
    {
        switch (container)
        {
            case string text when item is string part:
                run.Search(text, part);
                return text.Contains(part, StringComparison.Ordinal);
            case List<object?> list: return list.Exists(other => TemplateValues.AreEqual(run, other, item));
            case OrderedDictionary<object, object?> dictionary:
                run.Pass(item);
                return item is not null && dictionary.ContainsKey(item);
            case Undefined: return false;
            default: throw run.Wrong($"{TemplateValues.TypeName(item)} in {TemplateValues.TypeName(container)}: nothing can be in it.");
        }
    }

    public static object? Compute(TemplateRun run, string symbol, object? left, object? right)
    {
        if (symbol == "~") return Concatenate(run, TemplateValues.Text(run, left), TemplateValues.Text(run, right));
        switch (symbol, left, right)
        {
            case ("+", string a, string b): return Concatenate(run, a, b);
            case ("+", List<object?> a, List<object?> b):
                run.CheckedList((long)a.Count + b.Count);
                return (List<object?>)[.. a, .. b];
            case ("*", string text, long times): return Repeat(run, text, times);
            case ("*", long times, string text): return Repeat(run, text, times);
            case ("*", List<object?> list, long times): return Repeat(run, list, times);
            case ("*", long times, List<object?> list): return Repeat(run, list, times);
            case ("%", string format, _): return TemplateFilters.Format(run, format, right is List<object?> items ? items : [right]);
        }

        if (TemplateValues.Number(left) is not { } x || TemplateValues.Number(right) is not { } y)
            throw run.Wrong($"{Describe(left)} {symbol} {Describe(right)} cannot be computed.");
        return left is double || right is double || symbol == "/"
            ? Real(run, symbol, x, y)
            : Whole(run, symbol, left is long first ? first : (long)x, right is long second ? second : (long)y);
    }

    private static string Describe(object? value) => value is Undefined { Name: var name } && name.Length > 0
        ? $"'{name}', which is undefined,"
        : TemplateValues.TypeName(value);

    private static string Concatenate(TemplateRun run, string a, string b)
    {
        run.Checked((long)a.Length + b.Length);
        return a + b;
    }

    private static string Repeat(TemplateRun run, string text, long times)
    {
        if (times <= 0 || text.Length == 0) return "";
        run.Checked(times > TemplateRun.TextMax ? long.MaxValue : times * text.Length);
        return new StringBuilder().Insert(0, text, (int)times).ToString();
    }

    private static List<object?> Repeat(TemplateRun run, List<object?> list, long times)
    {
        if (times <= 0 || list.Count == 0) return [];
        run.CheckedList(times > TemplateRun.ListMax ? long.MaxValue : times * list.Count);
        return [.. Enumerable.Repeat(list, (int)times).SelectMany(items => items)];
    }

    private static double Real(TemplateRun run, string symbol, double x, double y)
    {
        if (y == 0 && symbol is "/" or "//" or "%") throw run.Wrong("division by zero.");
        return symbol switch
        {
            "+" => x + y,
            "-" => x - y,
            "*" => x * y,
            "/" => x / y,
            "//" => Math.Floor(x / y),
            "%" => x - y * Math.Floor(x / y),
            _ => Math.Pow(x, y),
        };
    }

    private static object Whole(TemplateRun run, string symbol, long x, long y)
    {
        if (y == 0 && symbol is "//" or "%") throw run.Wrong("division by zero.");
        if (y == -1 && symbol is "//" or "%") return symbol == "%" ? 0L : Whole(run, "-", 0, x);
        try
        {
            checked
            {
                return symbol switch
                {
                    "+" => (object)(x + y),
                    "-" => x - y,
                    "*" => x * y,
                    "//" => x / y - (x % y != 0 && x < 0 != y < 0 ? 1 : 0),
                    "%" => x % y is var rest && rest != 0 && rest < 0 != y < 0 ? rest + y : rest,
                    _ => y < 0 ? Math.Pow(x, y) : (object)Power(run, x, y),
                };
            }
        }
        catch (OverflowException)
        {
            throw run.Wrong($"{x} {symbol} {y} exceeds 64 bits.");
        }
    }

    private static long Power(TemplateRun run, long x, long y)
    {
        if (x is 0 or 1 || y == 0) return y == 0 ? 1 : x;
        if (x == -1) return y % 2 == 0 ? 1 : -1;
        var result = 1L;
        for (var i = 0L; i < y; i++)
        {
            run.Step();
            result = checked(result * x);
        }

        return result;
    }
}
