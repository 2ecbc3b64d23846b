namespace Sluice.Engine;

/// <summary>How a statement ended: most go on to the next one.</summary>
internal enum Flow { Next, Break, Continue }

internal abstract class TemplateStatement(int line)
{
    public Flow Run(TemplateRun run)
    {
        run.Step(line);
        return Execute(run);
    }

    protected abstract Flow Execute(TemplateRun run);

    public static Flow RunAll(TemplateRun run, List<TemplateStatement> body)
    {
        foreach (var statement in body)
            if (statement.Run(run) is var flow and not Flow.Next) return flow;
        return Flow.Next;
    }

    /// <summary>As <see cref="RunAll"/>, where nothing is around that could be broken out of.</summary>
    public static void RunWhole(TemplateRun run, List<TemplateStatement> body)
    {
        if (RunAll(run, body) != Flow.Next) throw run.Wrong("'break' or 'continue' stands outside of a loop.");
    }
}

internal sealed class DataStatement(int line, string text) : TemplateStatement(line)
{
    protected override Flow Execute(TemplateRun run)
    {
        run.Write(text);
        return Flow.Next;
    }
}

internal sealed class PrintStatement(int line, TemplateExpression expression) : TemplateStatement(line)
{
    protected override Flow Execute(TemplateRun run)
    {
        run.Write(TemplateValues.Text(run, expression.Value(run)));
        return Flow.Next;
    }
}

/// <summary>An expression for its effect only: <c>do</c>.</summary>
internal sealed class DoStatement(int line, TemplateExpression expression) : TemplateStatement(line)
{
    protected override Flow Execute(TemplateRun run)
    {
        expression.Value(run);
        return Flow.Next;
    }
}

internal sealed class IfStatement(
    int line, List<(TemplateExpression Condition, List<TemplateStatement> Body)> branches, List<TemplateStatement> otherwise)
    : TemplateStatement(line)
{
    protected override Flow Execute(TemplateRun run)
    {
        foreach (var (condition, body) in branches)
            if (TemplateValues.IsTrue(condition.Value(run))) return RunAll(run, body);
        return RunAll(run, otherwise);
    }
}

internal sealed class JumpStatement(int line, Flow flow) : TemplateStatement(line)
{
    protected override Flow Execute(TemplateRun run) => flow;
}

/// <summary>A body in a scope of its own: <c>with</c>; <c>generation</c> has no variables and no scope.</summary>
internal sealed class WithStatement(int line, List<(string Name, TemplateExpression Value)> variables, List<TemplateStatement> body)
    : TemplateStatement(line)
{
    protected override Flow Execute(TemplateRun run)
    {
        var flow = Flow.Next;
        run.Within(() =>
        {
            foreach (var (name, value) in variables) run.Scope.Set(name, value.Value(run));
            flow = RunAll(run, body);
        });
        return flow;
    }
}

internal sealed class PlainBlockStatement(int line, List<TemplateStatement> body) : TemplateStatement(line)
{
    protected override Flow Execute(TemplateRun run) => RunAll(run, body);
}

internal sealed class FilterBlockStatement(int line, List<FilterExpression> filters, List<TemplateStatement> body)
    : TemplateStatement(line)
{
    protected override Flow Execute(TemplateRun run)
    {
        object? value = run.Capture(() => RunWhole(run, body));
        foreach (var filter in filters) value = filter.Apply(run, value);
        run.Write(TemplateValues.Text(run, value));
        return Flow.Next;
    }
}

internal sealed class SetStatement(int line, AssignTarget target, TemplateExpression value) : TemplateStatement(line)
{
    protected override Flow Execute(TemplateRun run)
    {
        target.Assign(run, value.Value(run));
        return Flow.Next;
    }
}

/// <summary><c>{% set x %}…{% endset %}</c>: what the body writes.</summary>
internal sealed class SetBlockStatement(int line, AssignTarget target, List<FilterExpression> filters, List<TemplateStatement> body)
    : TemplateStatement(line)
{
    protected override Flow Execute(TemplateRun run)
    {
        object? value = run.Capture(() => run.Within(() => RunWhole(run, body)));
        foreach (var filter in filters) value = filter.Apply(run, value);
        target.Assign(run, value);
        return Flow.Next;
    }
}

/// <summary>Where a value goes: names, one per element if there are several, or a member of a namespace.</summary>
internal sealed class AssignTarget(List<string> names, bool unpacks, TemplateExpression? space = null)
{
    public void Assign(TemplateRun run, object? value)
    {
        if (space is not null)
        {
            if (space.Value(run) is not TemplateNamespace target)
                throw run.Wrong($"'{names[0]}' is set on what is no namespace; expected one made by namespace().");
            target.Values[names[0]] = value;
            return;
        }

        if (!unpacks)
        {
            run.Scope.Set(names[0], value);
            return;
        }

        var items = TemplateMembers.Elements(run, value);
        if (items.Count != names.Count) throw run.Wrong($"{items.Count} values for {names.Count} names.");
        for (var i = 0; i < names.Count; i++) run.Scope.Set(names[i], items[i]);
    }
}

internal sealed class MacroStatement(
    int line, string name, List<(string Name, TemplateExpression? Default)> parameters, List<TemplateStatement> body)
    : TemplateStatement(line)
{
    protected override Flow Execute(TemplateRun run)
    {
        var definedIn = run.Scope;
        TemplateFunction macro = (caller, arguments) => caller.Call(definedIn, () =>
        {
            if (arguments.Positional.Count > parameters.Count)
                throw caller.Wrong($"macro '{name}' takes {parameters.Count} arguments and was given {arguments.Positional.Count}.");
            foreach (var named in arguments.Named)
                if (!parameters.Exists(p => p.Name == named.Name))
                    throw caller.Wrong($"macro '{name}' has no argument '{named.Name}'.");
            for (var i = 0; i < parameters.Count; i++)
            {
                var value = arguments.Get(i, parameters[i].Name, s_missing);
                if (ReferenceEquals(value, s_missing))
                    value = parameters[i].Default is { } otherwise ? otherwise.Value(caller) : new Undefined(parameters[i].Name);
                caller.Scope.Set(parameters[i].Name, value);
            }

            RunWhole(caller, body);
        });
        run.Scope.Set(name, macro);
        return Flow.Next;
    }

    private static readonly object s_missing = new();
}

internal sealed class ForStatement(
    int line, AssignTarget target, TemplateExpression over, TemplateExpression? condition, List<TemplateStatement> body,
    List<TemplateStatement> otherwise) : TemplateStatement(line)
{
    protected override Flow Execute(TemplateRun run)
    {
        var items = TemplateMembers.Elements(run, over.Value(run));
        if (condition is not null)
            items = items.FindAll(item =>
            {
                var keep = false;
                run.Within(() =>
                {
                    target.Assign(run, item);
                    keep = TemplateValues.IsTrue(condition.Value(run));
                });
                return keep;
            });
        if (items.Count == 0) return RunAll(run, otherwise);

        for (var i = 0; i < items.Count; i++)
        {
            var flow = Flow.Next;
            run.Within(() =>
            {
                run.Scope.Set("loop", Loop(items, i));
                target.Assign(run, items[i]);
                flow = RunAll(run, body);
            });
            if (flow == Flow.Break) break;
        }

        return Flow.Next;
    }

    private static OrderedDictionary<object, object?> Loop(List<object?> items, int i) => new()
    {
        ["index"] = i + 1L,
        ["index0"] = (long)i,
        ["revindex"] = (long)items.Count - i,
        ["revindex0"] = (long)items.Count - i - 1,
        ["first"] = i == 0,
        ["last"] = i == items.Count - 1,
        ["length"] = (long)items.Count,
        ["depth"] = 1L, // None are recursive.
        ["depth0"] = 0L,
        ["previtem"] = i > 0 ? items[i - 1] : new Undefined("previtem"),
        ["nextitem"] = i < items.Count - 1 ? items[i + 1] : new Undefined("nextitem"),
        ["cycle"] = (TemplateFunction)((run, arguments) => arguments.Positional.Count > 0
            ? arguments.Positional[i % arguments.Positional.Count]
            : throw run.Wrong("loop.cycle has nothing to choose from.")),
    };
}
