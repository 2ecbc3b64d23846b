using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace Sluice.Engine;

/// <summary>Expressions of a template, weakest operator first.</summary>
internal sealed class TemplateExpressionParser(TemplateTokens tokens)
{
    private static readonly string[] s_comparisons = ["==", "!=", "<", ">", "<=", ">="];

    /// <summary>One expression, or several with commas between them: a tuple.</summary>
    public TemplateExpression Tuple() => Several(Expression);

    /// <summary>As <see cref="Tuple"/>, where an <c>if</c> belongs to the loop around it.</summary>
    public TemplateExpression TupleWithoutCondition() => Several(Or);

    public TemplateExpression Expression()
    {
        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack()) throw tokens.Wrong("expressions are nested too deeply.");
        var value = Or();
        while (tokens.Is(TemplateTokenKind.Name) && tokens.Current.Text == "if")
        {
            var line = tokens.Next().Line;
            var condition = Or();
            value = new ConditionalExpression(line, condition, value, tokens.TryTakeName("else") ? Expression() : null);
        }

        return value;
    }

    /// <summary>Filters with bars between them, of a block.</summary>
    public List<FilterExpression> Filters()
    {
        var filters = new List<FilterExpression> { Filter(null) };
        while (tokens.TryTakeOperator("|")) filters.Add(Filter(null));
        return filters;
    }

    private TemplateExpression Several(Func<TemplateExpression> one)
    {
        var line = tokens.Current.Line;
        var first = one();
        if (!tokens.IsOperator(",")) return first;
        var items = new List<TemplateExpression> { first };
        while (tokens.TryTakeOperator(","))
            if (!EndsTuple()) items.Add(one());
        return new ListExpression(line, items);
    }

    private bool EndsTuple() => tokens.Current.Kind is TemplateTokenKind.BlockEnd or TemplateTokenKind.VariableEnd
        || tokens.IsOperator(")") || tokens.IsOperator("=");

    private TemplateExpression Or()
    {
        var left = And();
        while (tokens.IsName("or")) left = new LogicExpression(tokens.Next().Line, isAnd: false, left, And());
        return left;
    }

    private TemplateExpression And()
    {
        var left = Not();
        while (tokens.IsName("and")) left = new LogicExpression(tokens.Next().Line, isAnd: true, left, Not());
        return left;
    }

    private TemplateExpression Not()
    {
        if (!tokens.IsName("not")) return Compare();
        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack()) throw tokens.Wrong("expressions are nested too deeply.");
        return new NotExpression(tokens.Next().Line, Not());
    }

    private TemplateExpression Compare()
    {
        var line = tokens.Current.Line;
        var first = Sum();
        var rest = new List<(string, TemplateExpression)>();
        while (true)
        {
            if (tokens.Is(TemplateTokenKind.Operator) && s_comparisons.Contains(tokens.Current.Text))
            {
                rest.Add((tokens.Next().Text, Sum()));
            }
            else if (tokens.TryTakeName("in"))
            {
                rest.Add(("in", Sum()));
            }
            else if (tokens.IsName("not"))
            {
                tokens.Next();
                if (!tokens.TryTakeName("in")) throw tokens.Unexpected("expected 'in'");
                rest.Add(("not in", Sum()));
            }
            else
            {
                return rest.Count == 0 ? first : new CompareExpression(line, first, rest);
            }
        }
    }

    private TemplateExpression Sum() => Binary(() => Binary(Product, "~"), "+", "-");

    private TemplateExpression Product() => Binary(Power, "*", "/", "//", "%");

    private TemplateExpression Power() => Binary(() => Unary(withFilters: true), "**");

    private TemplateExpression Binary(Func<TemplateExpression> operand, params string[] symbols)
    {
        var left = operand();
        while (tokens.Is(TemplateTokenKind.Operator) && symbols.Contains(tokens.Current.Text))
        {
            var symbol = tokens.Next();
            left = new ArithmeticExpression(symbol.Line, symbol.Text, left, operand());
        }

        return left;
    }

    private TemplateExpression Unary(bool withFilters)
    {
        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack()) throw tokens.Wrong("expressions are nested too deeply.");
        var line = tokens.Current.Line;
        var value = tokens.TryTakeOperator("-") ? new SignExpression(line, negative: true, Unary(withFilters: false))
            : tokens.TryTakeOperator("+") ? new SignExpression(line, negative: false, Unary(withFilters: false))
            : Postfix(Primary());
        return withFilters ? FiltersAndTests(value) : value;
    }

    private TemplateExpression Primary()
    {
        var token = tokens.Next();
        switch (token.Kind)
        {
            case TemplateTokenKind.Name: return NameOrLiteral(token);
            case TemplateTokenKind.Text:
                var text = token.Text;
                if (!tokens.Is(TemplateTokenKind.Text)) return new LiteralExpression(token.Line, text);
                var several = new StringBuilder(text);
                while (tokens.Is(TemplateTokenKind.Text)) several.Append(tokens.Next().Text);
                return new LiteralExpression(token.Line, several.ToString());
            case TemplateTokenKind.Whole:
                return long.TryParse(token.Text.Replace("_", ""), NumberStyles.None, CultureInfo.InvariantCulture, out var whole)
                    ? new LiteralExpression(token.Line, whole)
                    : throw TemplateLexer.Wrong(token.Line, $"{token.Text} exceeds 64 bits.");
            case TemplateTokenKind.Number:
                return new LiteralExpression(token.Line, double.Parse(token.Text.Replace("_", ""), CultureInfo.InvariantCulture));
            case TemplateTokenKind.Operator when token.Text == "(":
                return Parenthesised(token.Line);
            case TemplateTokenKind.Operator when token.Text == "[":
                return new ListExpression(token.Line, ListUntil("]"));
            case TemplateTokenKind.Operator when token.Text == "{":
                return Dictionary(token.Line);
            default:
                var shown = token.Text.Length > 0 ? $"'{token.Text}'" : "the end of the tag";
                throw TemplateLexer.Wrong(token.Line, $"{shown} is unexpected: expected a value.");
        }
    }

    private static TemplateExpression NameOrLiteral(TemplateToken token) => token.Text switch
    {
        "true" or "True" => new LiteralExpression(token.Line, true),
        "false" or "False" => new LiteralExpression(token.Line, false),
        "none" or "None" => new LiteralExpression(token.Line, null),
        _ => new NameExpression(token.Line, token.Text),
    };

    private TemplateExpression Parenthesised(int line)
    {
        if (tokens.TryTakeOperator(")")) return new ListExpression(line, []);
        var value = Tuple();
        tokens.TakeOperator(")");
        return value;
    }

    private List<TemplateExpression> ListUntil(string close)
    {
        var items = new List<TemplateExpression>();
        while (!tokens.TryTakeOperator(close))
        {
            if (items.Count > 0) tokens.TakeOperator(",");
            if (tokens.TryTakeOperator(close)) break;
            items.Add(Expression());
        }

        return items;
    }

    private DictionaryExpression Dictionary(int line)
    {
        var items = new List<(TemplateExpression, TemplateExpression)>();
        while (!tokens.TryTakeOperator("}"))
        {
            if (items.Count > 0) tokens.TakeOperator(",");
            if (tokens.TryTakeOperator("}")) break;
            var key = Expression();
            tokens.TakeOperator(":");
            items.Add((key, Expression()));
        }

        return new(line, items);
    }

    private TemplateExpression Postfix(TemplateExpression value)
    {
        while (true)
        {
            var line = tokens.Current.Line;
            if (tokens.TryTakeOperator("."))
                value = tokens.Is(TemplateTokenKind.Whole)
                    ? new IndexExpression(line, value, Primary())
                    : new MemberExpression(line, value, tokens.Take(TemplateTokenKind.Name).Text);
            else if (tokens.TryTakeOperator("[")) value = IndexOrSlice(line, value);
            else if (tokens.IsOperator("(")) value = new CallExpression(line, value, Arguments());
            else return value;
        }
    }

    private TemplateExpression IndexOrSlice(int line, TemplateExpression of)
    {
        var from = tokens.IsOperator(":") ? null : Tuple();
        if (tokens.TryTakeOperator("]")) return new IndexExpression(line, of, from!);

        tokens.TakeOperator(":");
        var to = tokens.IsOperator(":") || tokens.IsOperator("]") ? null : Expression();
        var step = tokens.TryTakeOperator(":") && !tokens.IsOperator("]") ? Expression() : null;
        tokens.TakeOperator("]");
        return new SliceExpression(line, of, from, to, step);
    }

    private ArgumentList Arguments()
    {
        var positional = new List<TemplateExpression>();
        var named = new List<(string, TemplateExpression)>();
        tokens.TakeOperator("(");
        while (!tokens.TryTakeOperator(")"))
        {
            if (positional.Count + named.Count > 0) tokens.TakeOperator(",");
            if (tokens.TryTakeOperator(")")) break;
            var value = Expression();
            if (value is NameExpression name && tokens.TryTakeOperator("=")) named.Add((name.Name, Expression()));
            else if (named.Count == 0) positional.Add(value);
            else throw tokens.Wrong("an argument without a name follows one with a name.");
        }

        return new(positional, named);
    }

    private TemplateExpression FiltersAndTests(TemplateExpression value)
    {
        while (true)
        {
            if (tokens.TryTakeOperator("|")) value = Filter(value);
            else if (tokens.IsName("is")) value = Test(value);
            else if (tokens.IsOperator("(")) value = new CallExpression(tokens.Current.Line, value, Arguments());
            else return value;
        }
    }

    private FilterExpression Filter(TemplateExpression? of)
    {
        var name = tokens.Take(TemplateTokenKind.Name);
        var arguments = tokens.IsOperator("(") ? Arguments() : ArgumentList.None;
        TemplateFilters.RequireKnown(name);
        return new(name.Line, of, name.Text, arguments);
    }

    private TestExpression Test(TemplateExpression of)
    {
        var line = tokens.Next().Line;
        var negated = tokens.TryTakeName("not");
        var name = tokens.Take(TemplateTokenKind.Name);
        TemplateTests.RequireKnown(name);
        var arguments = tokens.IsOperator("(") ? Arguments() : BeginsArgument() ? new([Postfix(Primary())], []) : ArgumentList.None;
        return new(line, of, name.Text, arguments, negated);
    }

    /// <summary>A test may have one argument without parentheses: <c>is divisibleby 3</c>.</summary>
    private bool BeginsArgument() => tokens.Current switch
    {
        { Kind: TemplateTokenKind.Name, Text: var name } => name is not ("else" or "or" or "and" or "is" or "if" or "in" or "not"),
        { Kind: TemplateTokenKind.Operator, Text: var symbol } => symbol is "[" or "{",
        { Kind: var kind } => kind is TemplateTokenKind.Text or TemplateTokenKind.Whole or TemplateTokenKind.Number,
    };
}
