namespace Sluice.Engine;

/// <summary>An expression of a template.</summary>
internal abstract class TemplateExpression(int line)
{
    public int Line => line;

    public object? Value(TemplateRun run)
    {
        run.Step(line);
        return Evaluate(run);
    }

    protected abstract object? Evaluate(TemplateRun run);
}

internal sealed class LiteralExpression(int line, object? value) : TemplateExpression(line)
{
    protected override object? Evaluate(TemplateRun run) => value;
}

internal sealed class NameExpression(int line, string name) : TemplateExpression(line)
{
    public string Name => name;

    protected override object? Evaluate(TemplateRun run) => run.Scope.Get(name);
}

internal sealed class ListExpression(int line, List<TemplateExpression> items) : TemplateExpression(line)
{
    public List<TemplateExpression> Items => items;

    protected override object? Evaluate(TemplateRun run) => items.ConvertAll(item => item.Value(run));
}

internal sealed class DictionaryExpression(int line, List<(TemplateExpression Key, TemplateExpression Value)> items)
    : TemplateExpression(line)
{
    protected override object? Evaluate(TemplateRun run)
    {
        var dictionary = new OrderedDictionary<object, object?>();
        foreach (var (key, value) in items)
        {
            var name = key.Value(run) ?? throw run.Wrong("a key is none; expected a text.");
            run.Pass(name);
            dictionary[name] = value.Value(run);
        }

        return dictionary;
    }
}

internal sealed class MemberExpression(int line, TemplateExpression of, string name) : TemplateExpression(line)
{
    public TemplateExpression Of => of;
    public string Name => name;

    protected override object? Evaluate(TemplateRun run) => TemplateMembers.Attribute(run, of.Value(run), name);
}

internal sealed class IndexExpression(int line, TemplateExpression of, TemplateExpression index) : TemplateExpression(line)
{
    protected override object? Evaluate(TemplateRun run) => TemplateMembers.Item(run, of.Value(run), index.Value(run));
}

internal sealed class SliceExpression(
    int line, TemplateExpression of, TemplateExpression? from, TemplateExpression? to, TemplateExpression? step) : TemplateExpression(line)
{
    protected override object? Evaluate(TemplateRun run) =>
        TemplateMembers.Slice(run, of.Value(run), from?.Value(run), to?.Value(run), step?.Value(run));
}

internal sealed class CallExpression(int line, TemplateExpression function, ArgumentList arguments) : TemplateExpression(line)
{
    protected override object? Evaluate(TemplateRun run)
    {
        var target = function.Value(run);
        if (target is TemplateFunction callable) return callable(run, arguments.Evaluate(run));
        var name = function switch
        {
            NameExpression named => named.Name,
            MemberExpression member => member.Name,
            _ => "this",
        };
        throw run.Wrong($"'{name}' is {TemplateValues.TypeName(target)}; expected a function.");
    }
}

internal sealed class ArgumentList(List<TemplateExpression> positional, List<(string Name, TemplateExpression Value)> named)
{
    public static ArgumentList None { get; } = new([], []);

    public TemplateArguments Evaluate(TemplateRun run) =>
        new(positional.ConvertAll(value => value.Value(run)), named.ConvertAll(pair => (pair.Name, pair.Value.Value(run))));
}

internal sealed class FilterExpression(int line, TemplateExpression? of, string name, ArgumentList arguments) : TemplateExpression(line)
{
    protected override object? Evaluate(TemplateRun run) => Apply(run, of!.Value(run));

    public object? Apply(TemplateRun run, object? value) => TemplateFilters.Apply(run, name, value, arguments.Evaluate(run));
}

internal sealed class TestExpression(int line, TemplateExpression of, string name, ArgumentList arguments, bool negated)
    : TemplateExpression(line)
{
    protected override object? Evaluate(TemplateRun run) =>
        TemplateTests.Holds(run, name, of.Value(run), arguments.Evaluate(run)) != negated;
}

internal sealed class ConditionalExpression(
    int line, TemplateExpression condition, TemplateExpression then, TemplateExpression? otherwise) : TemplateExpression(line)
{
    protected override object? Evaluate(TemplateRun run) =>
        TemplateValues.IsTrue(condition.Value(run)) ? then.Value(run) : otherwise is null ? new Undefined("") : otherwise.Value(run);
}

internal sealed class NotExpression(int line, TemplateExpression of) : TemplateExpression(line)
{
    protected override object? Evaluate(TemplateRun run) => !TemplateValues.IsTrue(of.Value(run));
}

/// <summary><c>and</c> and <c>or</c>: the value that decided, not a bool.</summary>
internal sealed class LogicExpression(int line, bool isAnd, TemplateExpression left, TemplateExpression right) : TemplateExpression(line)
{
    protected override object? Evaluate(TemplateRun run)
    {
        var value = left.Value(run);
        return TemplateValues.IsTrue(value) == isAnd ? right.Value(run) : value;
    }
}

internal sealed class CompareExpression(int line, TemplateExpression first, List<(string Operator, TemplateExpression Value)> rest)
    : TemplateExpression(line)
{
    protected override object? Evaluate(TemplateRun run)
    {
        var left = first.Value(run);
        foreach (var (symbol, next) in rest)
        {
            var right = next.Value(run);
            if (!TemplateOperators.Compare(run, symbol, left, right)) return false;
            left = right;
        }

        return true;
    }
}

internal sealed class ArithmeticExpression(int line, string symbol, TemplateExpression left, TemplateExpression right)
    : TemplateExpression(line)
{
    protected override object? Evaluate(TemplateRun run) => TemplateOperators.Compute(run, symbol, left.Value(run), right.Value(run));
}

internal sealed class SignExpression(int line, bool negative, TemplateExpression of) : TemplateExpression(line)
{
    protected override object? Evaluate(TemplateRun run) => of.Value(run) switch
    {
        long n => (object)(negative ? -n : n),
        double d => negative ? -d : d,
        bool b => negative ? b ? -1L : 0L : b ? 1L : 0L,
        var other => throw run.Wrong($"a sign before {TemplateValues.TypeName(other)}; expected a number."),
    };
}
