using System.Globalization;
using System.Text;
using Sluice.Core;

namespace Sluice.Engine;

/// <summary>Functions that every template may call.</summary>
internal static class TemplateGlobals
{
    /// <param name="now">For <c>strftime_now</c>, which templates ask for with <c>is defined</c>; null for none.</param>
    public static Dictionary<string, object?> Make(DateTimeOffset? now)
    {
        var globals = new Dictionary<string, object?>(StringComparer.Ordinal)
        {
            ["range"] = (TemplateFunction)Range,
            ["dict"] = (TemplateFunction)((_, a) => TemplateValues.Dictionary(a.Named)),
            ["namespace"] = (TemplateFunction)Namespace,
            ["raise_exception"] = (TemplateFunction)((run, a) =>
                throw new InputException($"the chat template refuses this conversation: {Shortened(run, a.Get(0, "message", ""))}")),
        };
        if (now is { } time) globals["strftime_now"] = (TemplateFunction)((run, a) => Format(run, time, a.Text(run, 0, "format")));
        return globals;
    }

    /// <summary>A template may put a whole message into its reason.</summary>
    private static string Shortened(TemplateRun run, object? reason)
    {
        const int lengthMax = 1000;
        var text = TemplateValues.Text(run, reason);
        return text.Length <= lengthMax ? text : $"{text[..lengthMax]} …";
    }

    private static List<object?> Range(TemplateRun run, TemplateArguments arguments)
    {
        var hasStart = arguments.Count > 1;
        var start = hasStart ? arguments.Whole(run, 0, "start", 0) : 0;
        var stop = arguments.Whole(run, hasStart ? 1 : 0, "stop", 0);
        var step = arguments.Whole(run, 2, "step", 1);
        if (step == 0) throw run.Wrong("the step of range is 0.");
        var span = step > 0 ? (Int128)stop - start : (Int128)start - stop;
        var count = span <= 0 ? 0 : (span + Int128.Abs(step) - 1) / Int128.Abs(step);
        run.CheckedList(count > int.MaxValue ? int.MaxValue : (long)count);
        return [.. Enumerable.Range(0, (int)count).Select(i => (object?)(start + i * step))];
    }

    private static TemplateNamespace Namespace(TemplateRun run, TemplateArguments arguments)
    {
        var space = new TemplateNamespace();
        if (arguments.Positional is [OrderedDictionary<object, object?> first, ..])
            foreach (var (key, value) in first) space.Values[TemplateValues.Text(run, key)] = value;
        foreach (var (name, value) in arguments.Named) space.Values[name] = value;
        return space;
    }

    private static string Format(TemplateRun run, DateTimeOffset time, string format)
    {
        run.Checked(16L * format.Length);
        var text = new StringBuilder();
        for (var i = 0; i < format.Length; i++)
        {
            if (format[i] != '%' || i + 1 >= format.Length) text.Append(format[i]);
            else if (format[i + 1] == '-' && i + 2 < format.Length) text.Append(WithoutZeros(Part(run, time, format[i += 2])));
            else text.Append(Part(run, time, format[++i]));
        }

        return text.ToString();
    }

    private static string WithoutZeros(string number) => number.TrimStart('0') is { Length: > 0 } rest ? rest : "0";

    private static string Part(TemplateRun run, DateTimeOffset time, char part) => part switch
    {
        'Y' => time.ToString("yyyy", CultureInfo.InvariantCulture),
        'y' => time.ToString("yy", CultureInfo.InvariantCulture),
        'm' => time.ToString("MM", CultureInfo.InvariantCulture),
        'd' => time.ToString("dd", CultureInfo.InvariantCulture),
        'e' => time.Day.ToString(CultureInfo.InvariantCulture).PadLeft(2),
        'b' => time.ToString("MMM", CultureInfo.InvariantCulture),
        'B' => time.ToString("MMMM", CultureInfo.InvariantCulture),
        'a' => time.ToString("ddd", CultureInfo.InvariantCulture),
        'A' => time.ToString("dddd", CultureInfo.InvariantCulture),
        'H' => time.ToString("HH", CultureInfo.InvariantCulture),
        'I' => time.ToString("hh", CultureInfo.InvariantCulture),
        'M' => time.ToString("mm", CultureInfo.InvariantCulture),
        'S' => time.ToString("ss", CultureInfo.InvariantCulture),
        'p' => time.Hour < 12 ? "AM" : "PM",
        'j' => time.DayOfYear.ToString("000", CultureInfo.InvariantCulture),
        'F' => time.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
        'T' => time.ToString("HH:mm:ss", CultureInfo.InvariantCulture),
        'z' => time.ToString("zzz", CultureInfo.InvariantCulture).Replace(":", ""),
        'Z' => "UTC",
        '%' => "%",
        _ => throw run.Wrong($"'%{part}' is no part of a date that is supported."),
    };
}
