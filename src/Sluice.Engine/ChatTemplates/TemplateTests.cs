using Sluice.Core;

namespace Sluice.Engine;

/// <summary>What stands after <c>is</c>.</summary>
internal static class TemplateTests
{
    private delegate bool Test(TemplateRun run, object? value, TemplateArguments arguments);

    private static readonly Dictionary<string, Test> s_tests = new(StringComparer.Ordinal)
    {
        ["defined"] = (_, v, _) => v is not Undefined,
        ["undefined"] = (_, v, _) => v is Undefined,
        ["none"] = (_, v, _) => v is null,
        ["boolean"] = (_, v, _) => v is bool,
        ["true"] = (_, v, _) => v is true,
        ["false"] = (_, v, _) => v is false,
        ["integer"] = (_, v, _) => v is long,
        ["float"] = (_, v, _) => v is double,
        ["number"] = (_, v, _) => v is long or double or bool,
        ["string"] = (_, v, _) => v is string,
        ["mapping"] = (_, v, _) => v is OrderedDictionary<object, object?>,
        ["sequence"] = (_, v, _) => v is string or List<object?> or OrderedDictionary<object, object?>,
        ["iterable"] = (_, v, _) => v is string or List<object?> or OrderedDictionary<object, object?> or Undefined,
        ["callable"] = (_, v, _) => v is TemplateFunction,
        ["even"] = (run, v, _) => Whole(run, v) % 2 == 0,
        ["odd"] = (run, v, _) => Whole(run, v) % 2 != 0,
        ["divisibleby"] = (run, v, a) => a.Whole(run, 0, "num", 0) is not 0 and var by
            ? Whole(run, v) % by == 0
            : throw run.Wrong("divisible by 0."),
        ["lower"] = (_, v, _) => v is string s && !s.Any(char.IsUpper) && s.Any(char.IsLower),
        ["upper"] = (_, v, _) => v is string s && !s.Any(char.IsLower) && s.Any(char.IsUpper),
        ["in"] = (run, v, a) => TemplateOperators.Contains(run, a.Get(0, "seq", null), v),
        ["sameas"] = (_, v, a) => a.Get(0, "other", null) is var other && (ReferenceEquals(v, other) || (v is not null && v.Equals(other))),
        ["eq"] = (run, v, a) => TemplateOperators.Compare(run, "==", v, a.Get(0, "other", null)),
        ["ne"] = (run, v, a) => TemplateOperators.Compare(run, "!=", v, a.Get(0, "other", null)),
        ["lt"] = (run, v, a) => TemplateOperators.Compare(run, "<", v, a.Get(0, "other", null)),
        ["le"] = (run, v, a) => TemplateOperators.Compare(run, "<=", v, a.Get(0, "other", null)),
        ["gt"] = (run, v, a) => TemplateOperators.Compare(run, ">", v, a.Get(0, "other", null)),
        ["ge"] = (run, v, a) => TemplateOperators.Compare(run, ">=", v, a.Get(0, "other", null)),
        ["filter"] = (_, v, _) => v is string name && TemplateFilters.Knows(name),
        ["test"] = (_, v, _) => v is string name && s_tests!.ContainsKey(name),
    };

    static TemplateTests()
    {
        s_tests["equalto"] = s_tests["eq"];
        s_tests["lessthan"] = s_tests["lt"];
        s_tests["greaterthan"] = s_tests["gt"];
    }

    public static bool Holds(TemplateRun run, string name, object? value, TemplateArguments arguments) =>
        s_tests.TryGetValue(name, out var test)
            ? test(run, value, arguments)
            : throw run.Wrong($"the test '{name}' is not supported{Nearest.Hint(name, [.. s_tests.Keys])}.");

    public static void RequireKnown(TemplateToken name)
    {
        if (!s_tests.ContainsKey(name.Text))
            throw TemplateLexer.Wrong(name.Line, $"the test '{name.Text}' is not supported{Nearest.Hint(name.Text, [.. s_tests.Keys])}.");
    }

    private static long Whole(TemplateRun run, object? value) => value switch
    {
        long n => n,
        bool b => b ? 1 : 0,
        _ => throw run.Wrong($"{TemplateValues.TypeName(value)} is neither even nor odd; expected an integer."),
    };
}
