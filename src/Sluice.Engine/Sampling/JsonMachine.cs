namespace Sluice.Engine;

/// <summary>Where within a text: between characters, in an escape, or in a character of several bytes.</summary>
internal enum JsonText { Plain, Escape, Hex1, Hex2, Hex3, Hex4, HexAfterD, More1, More2, More3, AfterE0, AfterEd, AfterF0, AfterF4 }

/// <summary>Where within a number.</summary>
internal enum JsonNumber { Minus, Zero, Digits, Point, Fraction, E, ESign, Exponent }

/// <summary>Reads JSON byte by byte against a grammar: a pushdown automaton, with several stacks where a schema leaves
/// open which of its alternatives this is. For one thread.</summary>
internal sealed class JsonMachine(JsonGrammar grammar)
{
    /// <summary>White space in one place [bytes]: enough for the indentation of deep nesting, too little to go on
    /// forever.</summary>
    private const int BlanksMax = 40;

    private readonly JsonStack _around = new();
    private readonly JsonStack _waiting = new();

    /// <summary>A byte after every way of reading; none left means that it does not fit.</summary>
    public void Step(JsonStacks from, byte c, JsonStacks to)
    {
        to.Clear();
        for (var i = 0; i < from.Count; i++)
            if (from[i].Depth > 0) Read(from[i], c, to);
    }

    /// <summary>Nothing more may come.</summary>
    public static bool IsDone(JsonStacks stacks)
    {
        for (var i = 0; i < stacks.Count; i++)
            if (stacks[i].Depth > 0) return false;
        return stacks.Count > 0;
    }

    /// <summary>It may end here.</summary>
    public static bool MayEnd(JsonStacks stacks)
    {
        for (var i = 0; i < stacks.Count; i++)
            if (stacks[i].Depth == 0 || (stacks[i].Depth == 1 && IsWholeNumber(stacks[i].Top))) return true;
        return false;
    }

    public void Start(JsonStacks stacks)
    {
        stacks.Clear();
        var start = new JsonStack();
        start.Push(JsonPhase.Value, grammar.Root);
        stacks.Add(start);
    }

    private void Read(JsonStack from, byte c, JsonStacks to)
    {
        var top = from.Top;
        switch (top.Phase)
        {
            case JsonPhase.Value:
                if (Blank(from, c, to)) return;
                Begin(from, top.Node, c, to);
                return;
            case JsonPhase.Text: ReadText(from, c, to); return;
            case JsonPhase.Number: ReadNumber(from, c, to); return;
            case JsonPhase.Literal:
                ReadLiterals(from, grammar[top.Node], top with { State = top.State & 0xFFFF }, top.State >> 16, c, to);
                return;
            case JsonPhase.Key: ReadKey(from, grammar[top.Node].Properties[top.State].Key, c, to); return;
            case JsonPhase.Colon:
                if (!Blank(from, c, to) && c == ':' && to.Add(from) is { } colon) colon.Top = new(JsonPhase.Value, top.Node, 0, 0);
                return;
            case JsonPhase.ObjectFirst or JsonPhase.ObjectNext or JsonPhase.ObjectKey: ReadObject(from, c, to); return;
            default: ReadArray(from, c, to); return;
        }
    }

    private static bool Blank(JsonStack from, byte c, JsonStacks to)
    {
        if (c is not ((byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t')) return false;
        if (from.Top.Extra < BlanksMax && to.Add(from) is { } stack) stack.Top.Extra++;
        return true;
    }

    /// <summary>The first byte of a value, in place of the top that waits for it.</summary>
    private void Begin(JsonStack from, int index, byte c, JsonStacks to)
    {
        var node = grammar[index];
        switch (node.Kind)
        {
            case JsonKind.Union:
                foreach (var alternative in node.Alternatives) Begin(from, alternative, c, to);
                break;
            case JsonKind.Object when c == '{' && from.HasRoom: Replace(from, to, JsonPhase.ObjectFirst, index, 0); break;
            case JsonKind.Array when c == '[' && from.HasRoom: Replace(from, to, JsonPhase.ArrayFirst, index, 0); break;
            case JsonKind.Text when c == '"': Replace(from, to, JsonPhase.Text, index, (int)JsonText.Plain); break;
            case JsonKind.Number or JsonKind.Integer when c == '-' || char.IsAsciiDigit((char)c):
                var state = c == '-' ? JsonNumber.Minus : c == '0' ? JsonNumber.Zero : JsonNumber.Digits;
                Replace(from, to, JsonPhase.Number, index, (int)state);
                break;
            case JsonKind.Literals:
                ReadLiterals(from, node, new(JsonPhase.Literal, index, 0, 0), node.Literals.Count, c, to);
                break;
        }
    }

    private static void Replace(JsonStack from, JsonStacks to, JsonPhase phase, int node, int state)
    {
        if (to.Add(from) is { } stack) stack.Top = new(phase, node, state, 0);
    }

    /// <summary>All literals that fit so far are one way of reading, however many there are; one that ends here, where others go
    /// on, is another.</summary>
    /// <param name="first">State is the first of them.</param>
    /// <param name="end">After the last of them.</param>
    private static void ReadLiterals(JsonStack from, JsonNode node, JsonStack.Frame first, int end, byte c, JsonStacks to)
    {
        var (low, high) = node.LiteralsWith(first.State, end, first.Extra, c);
        if (low == high) return;
        var extra = first.Extra + 1;
        if (node.Literals[low].Length == extra)
        {
            if (to.Add(from) is { } ended) ended.Pop();
            low++;
        }

        if (low < high && to.Add(from) is { } stack) stack.Top = first with { State = low | (high << 16), Extra = extra };
    }

    private static void ReadKey(JsonStack from, byte[] key, byte c, JsonStacks to)
    {
        var top = from.Top;
        if (key[top.Extra] != c || to.Add(from) is not { } stack) return;
        if (top.Extra + 1 == key.Length) stack.Pop();
        else stack.Top = top with { Extra = top.Extra + 1 };
    }

    private void ReadObject(JsonStack from, byte c, JsonStacks to)
    {
        if (Blank(from, c, to)) return;
        var top = from.Top;
        var node = grammar[top.Node];
        if (c == '}' && top.Phase != JsonPhase.ObjectKey && NextRequired(node, top.State) == node.Properties.Count)
        {
            if (to.Add(from) is { } ended) ended.Pop();
        }
        else if (c == ',' && top.Phase == JsonPhase.ObjectNext)
        {
            if ((top.State < node.Properties.Count || node.Additional >= 0) && to.Add(from) is { } next)
                next.Top = top with { Phase = JsonPhase.ObjectKey, Extra = 0 };
        }
        else if (c == '"' && top.Phase != JsonPhase.ObjectNext)
        {
            BeginKey(from, node, to);
        }
    }

    /// <summary>The next property, any of those after it as far as none that is required is left out, or a member of another
    /// name.</summary>
    private static void BeginKey(JsonStack from, JsonNode node, JsonStacks to)
    {
        var top = from.Top;
        for (var i = top.State; i < node.Properties.Count; i++)
        {
            if (to.Add(from) is not { } stack) return;
            stack.Top = top with { Phase = JsonPhase.ObjectNext, State = i + 1, Extra = 0 };
            stack.Push(JsonPhase.Colon, node.Properties[i].Node);
            stack.Push(JsonPhase.Key, top.Node, i, 1);
            if (node.Properties[i].IsRequired) return;
        }

        if (node.Additional < 0 || to.Add(from) is not { } other) return;
        other.Top = top with { Phase = JsonPhase.ObjectNext, State = node.Properties.Count, Extra = 0 };
        other.Push(JsonPhase.Colon, node.Additional);
        other.Push(JsonPhase.Text, -1, (int)JsonText.Plain);
    }

    private static int NextRequired(JsonNode node, int from)
    {
        while (from < node.Properties.Count && !node.Properties[from].IsRequired) from++;
        return from;
    }

    private void ReadArray(JsonStack from, byte c, JsonStacks to)
    {
        if (Blank(from, c, to)) return;
        var top = from.Top;
        var node = grammar[top.Node];
        if (c == ']')
        {
            if (top.State >= node.Min && to.Add(from) is { } ended) ended.Pop();
            return;
        }

        if (top.State >= node.Max || (top.Phase == JsonPhase.ArrayNext && c != ',')) return;
        if (to.Add(from) is not { } stack) return;

        // Elements are counted only as far as it matters, so that states stay few.
        var counted = node.Max == int.MaxValue ? Math.Min(top.State + 1, node.Min) : top.State + 1;
        stack.Top = top with { Phase = JsonPhase.ArrayNext, State = counted, Extra = 0 };
        stack.Push(JsonPhase.Value, node.Items);
        if (top.Phase == JsonPhase.ArrayNext) return;

        // The first element begins with this very byte.
        _waiting.CopyFrom(stack);
        to.RemoveLast();
        Begin(_waiting, node.Items, c, to);
    }

    private void ReadNumber(JsonStack from, byte c, JsonStacks to)
    {
        var top = from.Top;
        var isDigit = char.IsAsciiDigit((char)c);
        var isWhole = grammar[top.Node].Kind == JsonKind.Integer;
        var next = ((JsonNumber)top.State, c) switch
        {
            (JsonNumber.Minus, _) when isDigit => c == '0' ? JsonNumber.Zero : JsonNumber.Digits,
            (JsonNumber.Digits, _) when isDigit => JsonNumber.Digits,
            (JsonNumber.Zero or JsonNumber.Digits, (byte)'.') when !isWhole => JsonNumber.Point,
            (JsonNumber.Point or JsonNumber.Fraction, _) when isDigit => JsonNumber.Fraction,
            (JsonNumber.Zero or JsonNumber.Digits or JsonNumber.Fraction, (byte)'e' or (byte)'E') when !isWhole => JsonNumber.E,
            (JsonNumber.E, (byte)'+' or (byte)'-') => JsonNumber.ESign,
            (JsonNumber.E or JsonNumber.ESign or JsonNumber.Exponent, _) when isDigit => JsonNumber.Exponent,
            _ => (JsonNumber)(-1),
        };
        if (next >= 0)
        {
            if (to.Add(from) is { } stack) stack.Top.State = (int)next;
        }
        else if (IsWholeNumber(top) && from.Depth > 1)
        {
            // The number ended before this byte, which belongs to what is around it.
            _around.CopyFrom(from);
            _around.Pop();
            Read(_around, c, to);
        }
    }

    private static bool IsWholeNumber(JsonStack.Frame frame) => frame.Phase == JsonPhase.Number
        && (JsonNumber)frame.State is JsonNumber.Zero or JsonNumber.Digits or JsonNumber.Fraction or JsonNumber.Exponent;

    private void ReadText(JsonStack from, byte c, JsonStacks to)
    {
        var top = from.Top;
        var (min, max) = top.Node < 0 ? (0, int.MaxValue) : (grammar[top.Node].Min, grammar[top.Node].Max);
        var state = (JsonText)top.State;
        if (state == JsonText.Plain && c == '"')
        {
            if (top.Extra >= min && to.Add(from) is { } ended) ended.Pop();
            return;
        }

        if (state == JsonText.Plain && top.Extra >= max) return;
        var next = NextInText(state, c);
        if (next < 0 || to.Add(from) is not { } stack) return;
        stack.Top.State = (int)next;
        if (next == JsonText.Plain && (max < int.MaxValue || top.Extra < min)) stack.Top.Extra++;
    }

    /// <summary>Well-formed UTF-8 (Unicode, table 3-7), no control characters, escapes as in RFC 8259 but none of half a surrogate
    /// pair.</summary>
    private static JsonText NextInText(JsonText state, byte c) => state switch
    {
        JsonText.Plain => c switch
        {
            (byte)'\\' => JsonText.Escape,
            < 0x20 => (JsonText)(-1),
            < 0x80 => JsonText.Plain,
            >= 0xC2 and <= 0xDF => JsonText.More1,
            0xE0 => JsonText.AfterE0,
            0xED => JsonText.AfterEd,
            >= 0xE1 and <= 0xEF => JsonText.More2,
            0xF0 => JsonText.AfterF0,
            >= 0xF1 and <= 0xF3 => JsonText.More3,
            0xF4 => JsonText.AfterF4,
            _ => (JsonText)(-1),
        },
        JsonText.Escape => c == 'u' ? JsonText.Hex1 : "\"\\/bfnrt"u8.Contains(c) ? JsonText.Plain : (JsonText)(-1),
        JsonText.Hex1 => !char.IsAsciiHexDigit((char)c) ? (JsonText)(-1) : (c | 32) == 'd' ? JsonText.HexAfterD : JsonText.Hex2,
        JsonText.HexAfterD => c is >= (byte)'0' and <= (byte)'7' ? JsonText.Hex3 : (JsonText)(-1),
        JsonText.Hex2 => char.IsAsciiHexDigit((char)c) ? JsonText.Hex3 : (JsonText)(-1),
        JsonText.Hex3 => char.IsAsciiHexDigit((char)c) ? JsonText.Hex4 : (JsonText)(-1),
        JsonText.Hex4 => char.IsAsciiHexDigit((char)c) ? JsonText.Plain : (JsonText)(-1),
        JsonText.More1 => Continues(c, 0x80, 0xBF, JsonText.Plain),
        JsonText.More2 => Continues(c, 0x80, 0xBF, JsonText.More1),
        JsonText.More3 => Continues(c, 0x80, 0xBF, JsonText.More2),
        JsonText.AfterE0 => Continues(c, 0xA0, 0xBF, JsonText.More1),
        JsonText.AfterEd => Continues(c, 0x80, 0x9F, JsonText.More1),
        JsonText.AfterF0 => Continues(c, 0x90, 0xBF, JsonText.More2),
        _ => Continues(c, 0x80, 0x8F, JsonText.More2),
    };

    private static JsonText Continues(byte c, byte min, byte max, JsonText next) => c >= min && c <= max ? next : (JsonText)(-1);
}
