namespace Sluice.Engine;

/// <summary>Members, elements and slices of values.</summary>
internal static class TemplateMembers
{
    /// <summary><c>value.name</c>: a method, else an entry of that name.</summary>
    public static object? Attribute(TemplateRun run, object? value, string name)
    {
        if (value is Undefined { Name: var missing })
            throw run.Wrong($"'{name}' of '{missing}', which is undefined.");
        if (TemplateMethods.Find(value, name) is { } method)
        {
            run.Pass(value); // What it will be called for, most likely.
            return method;
        }

        return TryEntry(value, name, out var entry) ? entry : new Undefined(name);
    }

    /// <summary><c>value[index]</c>: an entry or element, else a method of that name.</summary>
    public static object? Item(TemplateRun run, object? value, object? index)
    {
        run.Pass(index);
        switch (value)
        {
            case Undefined { Name: var missing }: throw run.Wrong($"an element of '{missing}', which is undefined.");
            case OrderedDictionary<object, object?> dictionary when index is not null && dictionary.TryGetValue(index, out var entry):
                return entry;
            case List<object?> list when index is long at:
                at = at < 0 ? at + list.Count : at;
                return at >= 0 && at < list.Count ? list[(int)at] : new Undefined($"{index}");
            case string text when index is long at:
                run.Pass(text);
                if (!HasPairs(text))
                {
                    at = at < 0 ? at + text.Length : at;
                    return at >= 0 && at < text.Length ? text[(int)at].ToString() : new Undefined($"{index}");
                }

                var letters = CodePoints(run, text);
                at = at < 0 ? at + letters.Count : at;
                return at >= 0 && at < letters.Count ? letters[(int)at] : new Undefined($"{index}");
            default:
                if (index is not string name) return new Undefined(TemplateValues.Text(run, index));
                return TryEntry(value, name, out var found) ? found : Attribute(run, value, name);
        }
    }

    public static object? Slice(TemplateRun run, object? value, object? from, object? to, object? step)
    {
        var stride = step switch
        {
            null => 1L,
            long and not 0 => (long)step,
            _ => throw run.Wrong("the step of a slice is no integer but 0."),
        };
        switch (value)
        {
            case List<object?> list:
                return Pick(run, list, from, to, stride);
            case string text:
                // Whole characters, not halves of surrogate pairs; most texts have none.
                run.Pass(text);
                return stride == 1 && !HasPairs(text)
                    ? Between(run, text, from, to)
                    : string.Concat(Pick(run, CodePoints(run, text), from, to, stride));
            case Undefined { Name: var missing }:
                throw run.Wrong($"a slice of '{missing}', which is undefined.");
            default:
                return new Undefined("a slice");
        }
    }

    /// <summary>What a loop goes over: elements, keys, characters; nothing of what is undefined.</summary>
    public static List<object?> Elements(TemplateRun run, object? value)
    {
        switch (value)
        {
            case List<object?> list: return list;
            case OrderedDictionary<object, object?> dictionary:
                run.Pass(dictionary);
                return [.. dictionary.Keys];
            case string text: return [.. CodePoints(run, text)];
            case Undefined: return [];
            default: throw run.Wrong($"{TemplateValues.TypeName(value)} has no elements; expected a list.");
        }
    }

    public static long Length(TemplateRun run, object? value) => value switch
    {
        string text => Runes(run, text),
        List<object?> list => list.Count,
        OrderedDictionary<object, object?> dictionary => dictionary.Count,
        Undefined => 0,
        _ => throw run.Wrong($"{TemplateValues.TypeName(value)} has no length; expected a list or a text."),
    };

    public static List<string> CodePoints(TemplateRun run, string text)
    {
        run.CheckedList(text.Length);
        var letters = new List<string>(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            var isPair = i + 1 < text.Length && char.IsSurrogatePair(text[i], text[i + 1]);
            letters.Add(isPair ? text.Substring(i++, 2) : text[i].ToString());
        }

        return letters;
    }

    /// <summary>It has characters of two halves.</summary>
    private static bool HasPairs(string text) => text.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF');

    private static long Runes(TemplateRun run, string text)
    {
        run.Pass(text);
        if (!HasPairs(text)) return text.Length;
        var count = 0L;
        foreach (var _ in text.EnumerateRunes()) count++;
        return count;
    }

    private static bool TryEntry(object? value, string name, out object? entry)
    {
        entry = null;
        return value is OrderedDictionary<object, object?> dictionary ? dictionary.TryGetValue(name, out entry)
            : value is TemplateNamespace space && space.Values.TryGetValue(name, out entry);
    }

    private static string Between(TemplateRun run, string text, object? from, object? to)
    {
        var start = Bound(run, from, 0, text.Length, 1);
        var end = Bound(run, to, text.Length, text.Length, 1);
        return start < end ? text[(int)start..(int)end] : "";
    }

    private static List<T> Pick<T>(TemplateRun run, List<T> items, object? from, object? to, long step)
    {
        var count = items.Count;
        var start = Bound(run, from, step > 0 ? 0 : count - 1, count, step);
        var end = Bound(run, to, step > 0 ? count : -1, count, step);
        run.CheckedList(count);
        var picked = new List<T>();

        // Steps as wide as a list are as good as any wider, and nothing overflows.
        step = Math.Clamp(step, -count - 1, count + 1);
        for (var i = start; step > 0 ? i < end : i > end; i += step)
            if (i >= 0 && i < count) picked.Add(items[(int)i]);
        return picked;
    }

    private static long Bound(TemplateRun run, object? given, long otherwise, int count, long step)
    {
        if (given is null) return otherwise;
        var at = given is long whole
            ? whole
            : throw run.Wrong($"a bound of a slice is {TemplateValues.TypeName(given)}; expected an integer.");
        if (at < 0) at += count;
        return Math.Clamp(at, step > 0 ? 0 : -1, step > 0 ? count : count - 1);
    }
}
