using System.Runtime.CompilerServices;
using System.Text;
using Sluice.Core;

namespace Sluice.Engine;

/// <summary>One rendering of a template: its variables, what it has written, and how much it may still do.</summary>
internal sealed class TemplateRun(Dictionary<string, object?> globals)
{
    /// <summary>Expressions and statements evaluated, every 64 characters handled and every 4 elements of a list: a conversation
    /// of a thousand messages takes some 100,000. So all texts together have at most 128 million characters.</summary>
    private const int StepsMax = 2_000_000;

    /// <summary>Characters of the prompt and of any text on the way.</summary>
    public const int TextMax = 16 << 20;

    /// <summary>Elements of a list.</summary>
    public const int ListMax = 1 << 20;

    /// <summary>Macros within macros.</summary>
    private const int CallDepthMax = 64;

    private int _steps;
    private int _depth;

    public StringBuilder Output { get; private set; } = new();
    public TemplateScope Scope { get; private set; } = new(null, globals);

    /// <summary>Where the run is, for messages.</summary>
    public int Line { get; set; } = 1;

    public InputException Wrong(string message) => TemplateLexer.Wrong(Line, message);

    public void Step(int line)
    {
        Line = line;
        Step();
    }

    public void Step()
    {
        Spend(1);
        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack()) throw Wrong("values or macros are nested too deeply.");
    }

    public void Write(string text)
    {
        Checked(text.Length);
        Output.Append(text);
        if (Output.Length > TextMax) throw Wrong($"the prompt exceeds {TextMax} characters.");
    }

    /// <summary>Pays for a text of this length before it is made.</summary>
    public void Checked(long length)
    {
        if (length > TextMax) throw Wrong($"a text of {length} characters; expected at most {TextMax}.");
        Spend(1 + (int)(length >> 6));
    }

    public void CheckedList(long count)
    {
        if (count > ListMax) throw Wrong($"a list of {count} elements; expected at most {ListMax}.");
        Spend(1 + (int)(count >> 2));
    }

    /// <summary>Pays for looking for one text in another: at worst the product of their lengths, most of it many characters at
    /// a time.</summary>
    public void Search(string text, string part) => Work((1 + ((long)part.Length >> 12)) * text.Length);

    /// <summary>Pays for looking at this many characters.</summary>
    public void Work(long characters) => Spend((int)Math.Min(StepsMax, 1 + (characters >> 6)));

    /// <summary>Pays for going through a value once: a text, a list, a dictionary.</summary>
    public void Pass(object? value) => Spend(1 + (value switch
    {
        string text => text.Length >> 6,
        List<object?> list => list.Count >> 2,
        OrderedDictionary<object, object?> dictionary => dictionary.Count >> 2,
        _ => 0,
    }));

    public void Within(Action body)
    {
        var outer = Scope;
        Scope = new(outer, new(StringComparer.Ordinal));
        try
        {
            body();
        }
        finally
        {
            Scope = outer;
        }
    }

    /// <summary>What a body writes, as a text.</summary>
    public string Capture(Action body)
    {
        var outer = Output;
        Output = new();
        try
        {
            body();
            return Output.ToString();
        }
        finally
        {
            Output = outer;
        }
    }

    /// <summary>Runs a macro's body in a scope of its own, under the scope where the macro was defined.</summary>
    public string Call(TemplateScope definedIn, Action body)
    {
        if (++_depth > CallDepthMax) throw Wrong($"macros call one another more than {CallDepthMax} deep.");
        var outer = Scope;
        Scope = new(definedIn, new(StringComparer.Ordinal));
        try
        {
            return Capture(body);
        }
        finally
        {
            Scope = outer;
            _depth--;
        }
    }

    private void Spend(int steps)
    {
        if ((_steps += steps) > StepsMax) throw Wrong($"the template does not end: more than {StepsMax} steps.");
    }
}

/// <summary>Variables of a block; those of the blocks around it are seen through it.</summary>
internal sealed class TemplateScope(TemplateScope? parent, Dictionary<string, object?> values)
{
    public void Set(string name, object? value) => values[name] = value;

    public object? Get(string name)
    {
        for (var scope = this; scope is not null; scope = scope.Parent)
            if (scope.Values.TryGetValue(name, out var value)) return value;
        return new Undefined(name);
    }

    private TemplateScope? Parent => parent;
    private Dictionary<string, object?> Values => values;
}

/// <summary>What a function is called with.</summary>
internal sealed record TemplateArguments(List<object?> Positional, List<(string Name, object? Value)> Named)
{
    public static TemplateArguments None { get; } = new([], []);

    public int Count => Positional.Count + Named.Count;

    /// <summary>By place or by name.</summary>
    public object? Get(int index, string name, object? otherwise)
    {
        if (index < Positional.Count) return Positional[index];
        foreach (var named in Named)
            if (named.Name == name) return named.Value;
        return otherwise;
    }

    public string Text(TemplateRun run, int index, string name) => Get(index, name, null) as string
        ?? throw run.Wrong($"argument '{name}' is {TemplateValues.TypeName(Get(index, name, null))}; expected a text.");

    public long Whole(TemplateRun run, int index, string name, long otherwise) => Get(index, name, otherwise) switch
    {
        long number => number,
        bool b => b ? 1 : 0,
        var other => throw run.Wrong($"argument '{name}' is {TemplateValues.TypeName(other)}; expected an integer."),
    };
}
